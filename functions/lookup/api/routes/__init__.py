"""The operations of the HTTP API, one module for each resource: a checked request comes in, a response goes out."""
