"""What the HTTP API logs of each request."""

from __future__ import annotations

import json

# Each byte is paid with every request, so nothing that something else tells: an event's own time (`@timestamp`), how
# long and how well the function ran (its metrics), how much was sent (`DataProcessed` of the API).
# Route keys only: a path holds an identifier. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
ACCESS_LOG_FIELDS = {
    "request_id": "$context.requestId",
    "route_key": "$context.routeKey",
    "status": "$context.status",
    "response_ms": "$context.responseLatency",
    "error": "$context.error.responseType",
}


def access_log_format(client_claim: str) -> str:
    """Return the format of a line, whose client is in that claim of its token."""
    fields = ACCESS_LOG_FIELDS | {"client_id": f"$context.authorizer.claims.{client_claim}"}
    return json.dumps(fields, separators=(",", ":"))
