"""Handler of the conversion queue: rosters that are converted or counted before they are fed."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from lookup import cold_start
from lookup.bulk.queues import Delivery
from lookup.telemetry import logger, publishes_metrics
from lookup.wiring.conversions import ConversionServices

RESERVED_SECONDS = 20.0  # seconds of the function's time reserved for writing the result
services = cache(ConversionServices.from_environment)  # one for all invocations of a function instance


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401 - Lambda's own
    """Convert one batch of rosters. Return the failed messages (`batchItemFailures`)."""
    deliveries = [Delivery.of(record) for record in event["Records"]]
    until = time.time() + context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS
    failed = services().conversion_worker.serve(deliveries, until=until)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
