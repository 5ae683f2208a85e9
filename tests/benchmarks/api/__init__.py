"""What the HTTP API takes of a request's time beside MoEngage, and its requests to AWS."""
