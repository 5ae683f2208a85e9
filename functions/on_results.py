"""Function of the results queue: lookups that have ended, and hours, collected into a few files."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from lookup import cold_start
from lookup.bulk.queues import Delivery
from lookup.telemetry import Metric, count, logger, publishes_metrics
from lookup.wiring.collection import CollectionServices

RESERVED_SECONDS = 20.0  # seconds kept back of the function's time for noting how far it came
services = cache(CollectionServices.from_environment)  # one for all invocations of a function instance


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401 - Lambda's own
    """Collect one batch of lookups and hours; answer which messages failed (`batchItemFailures`)."""
    count(Metric.RESULTS_FAILED, 0)  # so that there is a series, also when nothing has ever failed
    deliveries = [Delivery.of(record) for record in event["Records"]]
    until = time.time() + context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS
    failed = services().results_worker.serve(deliveries, until=until)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
