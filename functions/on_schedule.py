"""Door of the schedules: a roster to refresh, or the minute's look at what waits."""

from __future__ import annotations

from typing import Any

from lookup import schedule_wiring as wiring
from lookup.schedules import read_firing
from lookup.telemetry import Metric, count, logger, metrics

TICK = {"task": "feed"}


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, object]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Submit the schedule's lookup and answer its id; or, every minute, feed what waits."""
    count(Metric.FIRINGS)
    if event == TICK:
        count(Metric.VENDOR_CALLS, 0)  # so that there is a series to look at when no call has ever succeeded
        try:
            return {"fed": wiring.schedules().tick()}
        finally:  # what waits is told even when feeding fails, and then most of all
            wiring.gauges().publish()
    firing = read_firing(event)
    fired = wiring.schedules().fire(firing)
    logger.info("schedule fired", lookup_id=fired.lookup_id, skipped_for=fired.skipped_for)
    return {"lookup_id": fired.lookup_id, "skipped_for": fired.skipped_for}
