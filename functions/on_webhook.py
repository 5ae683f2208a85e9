"""Function of the webhook queue: events for partners, sent to the addresses that are set for them."""

from __future__ import annotations

from functools import cache
from typing import Any

from lookup import cold_start
from lookup.bulk.queues import Delivery
from lookup.telemetry import Metric, count, logger, publishes_metrics
from lookup.wiring.webhooks import WebhookServices

services = cache(WebhookServices.from_environment)  # one for all invocations of a function instance


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401, ARG001 - Lambda's own
    """Send one batch of webhooks; answer which messages failed (`batchItemFailures`)."""
    count(Metric.WEBHOOKS_FAILED, 0)  # so that there is a series, also when nothing has ever failed
    failed = services().webhook_worker.serve([Delivery.of(record) for record in event["Records"]])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
