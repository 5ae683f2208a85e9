"""The rate limiter: users to ask for come in, a grant or the time to try again goes out, exact over all processes.

It never calls MoEngage, and nobody but this package reads or writes its DynamoDB item.
"""
