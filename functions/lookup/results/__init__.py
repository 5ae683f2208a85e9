"""Storage of results: profiles in DynamoDB, result files in S3, events on EventBridge.

Identifiers and attributes are written to the two stores only, never to an event.
"""
