"""The API's contract: routes with their scopes, problem types, and the OpenAPI document and pages made of them.

No other function than `on_request` loads it, and that one only when the document is asked for.
"""
