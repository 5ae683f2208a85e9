"""Serve HTTP: API Gateway's events come in, responses and problems (RFC 9457) go out.

It never calls MoEngage itself: who waits is served by `fetch`, who does not is accepted by `bulk`.
"""
