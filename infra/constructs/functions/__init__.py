"""The Lambda functions, each with its trigger, its role and its environment."""
