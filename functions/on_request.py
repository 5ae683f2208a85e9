"""Handler of the HTTP API: profiles and lookups for whoever waits for the answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from lookup import cold_start
from lookup.aws.lambda_lifecycle import register_snapstart_hooks
from lookup.telemetry import logger, publishes_metrics
from lookup.wiring.requests import RequestServices

services = cache(RequestServices.from_environment)  # one for all invocations of a function instance
register_snapstart_hooks(lambda: services().prepare())


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own context
    """Answer one request of the HTTP API (payload 2.0)."""
    return services().handler.answer(event, context)
