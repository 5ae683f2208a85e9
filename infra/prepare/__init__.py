"""What the first command of a clone does: the locked packages are fetched, on one line, and a failure says what to do.

It runs before anything is installed: these modules import the standard library and each other only.
"""
