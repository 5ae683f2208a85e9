"""Collaborators that several handlers share: fetching, feeding, submitting. Never: a handler's own."""
