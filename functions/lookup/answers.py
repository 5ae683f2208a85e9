"""How the HTTP surface answers when all is well."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from lookup import wire


def answer(
    body: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Answer with JSON whose numbers keep every digit."""
    return Response(status.value, "application/json", wire.dumps(body).decode(), dict(headers or {}))
