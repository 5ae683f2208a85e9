"""Door of the schedules: a roster to refresh, or the minute's look at what waits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lookup import schedule_wiring as wiring
from lookup.firing import read_firing
from lookup.telemetry import Metric, count, logger, metrics

TICK = {"task": "feed"}
# Alarms calculate with these: each needs a series to look at, also when nothing of the kind has ever happened.
AT_LEAST_ZERO = (Metric.VENDOR_CALLS, Metric.PARTS_COMPLETED, Metric.DEFECTS, Metric.AWS_TROUBLE)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, object]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Submit the schedule's lookup and answer its id; or, every minute, feed what waits."""
    count(Metric.FIRINGS)
    if event == TICK:
        for metric in AT_LEAST_ZERO:
            count(metric, 0)
        try:
            return {"fed": wiring.schedules().tick()}
        finally:  # what waits is told even when feeding fails, and then most of all
            wiring.gauges().publish()
    fired = wiring.schedules().fire(read_firing(event))
    if fired.refused_because:
        count(Metric.FIRINGS_REFUSED)
        logger.warning("firing refused", **asdict(fired))
    else:
        logger.info("schedule fired", **asdict(fired))
    return asdict(fired)
