"""What was fetched, kept: profiles in DynamoDB, result files in S3, events on EventBridge.

Identifiers and attributes reach the two stores only, never an event.
"""
