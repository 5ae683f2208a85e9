"""The stack that deploys the functions, and the local stage that runs the same template."""
