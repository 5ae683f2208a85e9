"""What the HTTP API takes of a request's time beside MoEngage, and what it asks of AWS."""
