"""The API's contract: routes with their scopes, problem types, and the OpenAPI document and pages made of them.

Requests are checked by the route table; the document and its models are loaded only when they are requested.
"""
