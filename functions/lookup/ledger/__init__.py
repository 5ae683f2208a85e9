"""The state of lookups in DynamoDB: what was accepted, fed, counted and charged, each by a conditional write.

It decides nothing by the clock alone and never calls S3, SQS or MoEngage.
"""
