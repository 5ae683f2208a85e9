"""A rehearsal of a throw-away stage: deployed, put under load, rolled back, restored, destroyed; a line for each step.

What it needs of an account, how long it takes and what only a real account can show: docs/rehearsal.md.
"""
