"""Requests drawn from the service's own OpenAPI document: no 5xx, no response that the document does not describe."""

from __future__ import annotations


def test_every_answer_is_documented(address: str) -> None:
    """Good and spoilt requests of every route get an answer that the document has: status, type, headers, schema."""
    from tests.openapi.drawn_requests import ask_every_route  # noqa: PLC0415 - Schemathesis takes a second to import

    ask_every_route(address)
