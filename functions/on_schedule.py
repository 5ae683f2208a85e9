"""Door of the schedules: a firing of EventBridge Scheduler that refreshes a roster."""

from __future__ import annotations

from typing import Any

from lookup import wiring
from lookup.schedules import read_firing
from lookup.telemetry import Metric, count, logger, metrics


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, object]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Put the roster's parts on the queue; answer the lookup's id and the number of parts."""
    count(Metric.FIRINGS)
    firing = read_firing(event)
    parts = wiring.schedules().fire(firing)
    logger.info("roster fed", lookup_id=firing.lookup_id, parts=parts)
    return {"lookup_id": firing.lookup_id, "parts": parts}
