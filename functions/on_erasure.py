"""Function of the queue of erasures: people whose every copy is searched for and removed."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from lookup.bulk.queues import Delivery
from lookup.telemetry import Metric, count, logger, publishes_metrics
from lookup.wiring.erasure import ErasureServices

RESERVED_SECONDS = 120.0  # seconds kept back of the function's time: for the largest file that may be at work
services = cache(ErasureServices.from_environment)  # one for all invocations of a function instance


@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401 - Lambda's own
    """Serve one batch of steps; answer which messages failed (`batchItemFailures`)."""
    count(Metric.ERASURES_COMPLETED, 0)  # so that there is a series, also when nobody was erased
    deliveries = [Delivery.of(record) for record in event["Records"]]
    until = time.time() + context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS
    failed = services().erasure_worker.serve(deliveries, until=until)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
