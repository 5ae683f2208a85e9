"""What the HTTP API logs of each request."""

from __future__ import annotations

# Route keys only: a path holds an identifier. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
ACCESS_LOG_FIELDS = {
    "request_id": "$context.requestId",
    "route_key": "$context.routeKey",
    "status": "$context.status",
    "requested_at": "$context.requestTimeEpoch",
    "response_bytes": "$context.responseLength",
    "response_ms": "$context.responseLatency",
    "integration_ms": "$context.integrationLatency",
    "integration_status": "$context.integrationStatus",
    "error": "$context.error.responseType",
}
