"""Compose the service: settings, a clock and a sleep go in, each handler's collaborators come out.

Nothing imports this package but the handlers and the tests.
"""
