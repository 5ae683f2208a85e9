"""The CDK constructs of the stack, one for each function with its trigger, and those that they share."""
