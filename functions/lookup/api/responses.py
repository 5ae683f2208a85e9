"""How the HTTP surface answers when all is well."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.bulk.estimates import Estimate

ANSWER_LIMIT = 5 * 1024 * 1024  # bytes of a body
# Lambda gives back 6 MB (6,291,556 bytes) at most, and the body inside as a JSON string: quotes and backslashes grow.
LAMBDA_LIMIT = 6_000_000

LOOK = 60  # seconds; an estimate may turn out too long


def answer(
    body: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Answer with JSON whose numbers keep every digit."""
    return written(exact_json.readable(body), status, headers)


def written(body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer with JSON that is written already."""
    return Response(status.value, "application/json", body.decode(), dict(headers or {}))


def is_too_large(body: bytes) -> bool:
    """Tell whether a body must be answered by a link instead."""
    return len(body) > ANSWER_LIMIT or len(body) + body.count(b'"') + body.count(b"\\") > LAMBDA_LIMIT


def without_attributes(outcomes: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Keep of outcomes all but what makes them large."""
    return [{name: value for name, value in one.items() if name != "user_attributes"} for one in outcomes]


def next_look(estimate: Estimate | None, now: float) -> dict[str, str]:
    """Write when to look at a lookup again, a minute from now at most; nothing of one that does not run."""
    return {"Retry-After": str(min(LOOK, max(1, math.ceil(estimate.done_at - now))))} if estimate else {}


def next_link(path: str, mark: str | None, limit: int) -> dict[str, str]:
    """Write the `Link` (RFC 8288) to the next page, if there is one."""
    query = urlencode({"limit": limit, "after": mark or ""})
    return {"Link": f'<{path}?{query}>; rel="next"'} if mark else {}
