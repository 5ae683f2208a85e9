"""The OpenAPI document as the service writes it, without AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import on_request
from lookup.api.openapi import document as openapi
from lookup.settings import Settings, Workspace
from tests.handlers.conftest import forget

TOKEN_URL = "https://auth.example.com/oauth2/token"
SETTINGS = Settings(
    stage="test",  # as in the other tests: one process, one dimension of its metrics
    bucket_name="none",
    profiles_table_name="none",
    ledger_table_name="none",
    intake_queue_url="none",
    parts_queue_url="none",
    intake_dead_letter_queue_url="none",
    parts_dead_letter_queue_url="none",
    conversion_queue_url="none",
    event_bus_name="none",
    partners_parameter_name="none",
    workspaces={"default": Workspace(secret_id="none")},
    token_url=TOKEN_URL,
)
AWS = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


def generated(token_url: str | None = TOKEN_URL) -> bytes:
    """Write the document of the routes as they are now."""
    with _instance():
        return openapi.document(on_request.services().whole.app, token_url)


def parsed(token_url: str | None = TOKEN_URL) -> dict[str, Any]:
    """Return the document as JSON."""
    document: dict[str, Any] = json.loads(generated(token_url))
    return document


@contextmanager
def _instance() -> Iterator[None]:
    """Set up a function instance that has its settings and makes no requests."""
    forget()
    with mock.patch.dict(os.environ, SETTINGS.to_environment() | AWS, clear=True):
        yield
    forget()
