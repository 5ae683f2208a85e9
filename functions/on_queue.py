"""Handler of the queues: identifiers that other systems send, parts of rosters, and answers at once to archive."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from lookup import cold_start
from lookup.bulk.queues import Delivery
from lookup.telemetry import Metric, count, logger, publishes_metrics
from lookup.wiring.queue import QueueServices

RESERVED_SECONDS = 10.0  # seconds kept back of the function's time for writing what was fetched
services = cache(QueueServices.from_environment)  # one for all invocations of a function instance


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401 - Lambda's own
    """Serve one batch of SQS messages; answer which of them failed (`batchItemFailures`)."""
    deliveries = [Delivery.of(record) for record in event["Records"]]
    until = time.time() + context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS
    if deliveries and services().queues.is_answers(deliveries[0]):  # a batch is of one queue
        return _failed(services().answers_worker.serve(deliveries, until=until))
    count(Metric.DELIVERIES, len(deliveries))
    with services().shutdown.on_sigterm():
        failed = services().worker.serve(deliveries, until=until)
    return _failed(failed)


def _failed(message_ids: list[str]) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}
