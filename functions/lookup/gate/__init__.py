"""The rate limiter: requests for users come in, a grant or the time to try again goes out, exact over all processes.

It never calls MoEngage, and only this package reads or writes its DynamoDB item.
"""
