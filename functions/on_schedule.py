"""Handler of the schedules: a roster to refresh, or the maintenance of every minute."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from lookup import cold_start
from lookup.schedules.firing import parse_firing
from lookup.telemetry import Metric, count, logger, publishes_metrics
from lookup.wiring.schedules import ScheduleServices

TICK = {"task": "feed"}
# Alarms calculate with these: each needs a data series, also before its first event.
AT_LEAST_ZERO = (Metric.VENDOR_CALLS, Metric.PARTS_COMPLETED, Metric.DEFECTS, Metric.AWS_TROUBLE)
services = cache(ScheduleServices.from_environment)  # one for all invocations of a function instance


@cold_start.ends_with_first_event
@logger.inject_lambda_context
@publishes_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, object]:  # noqa: ANN401, ARG001 - Lambda's signature
    """Submit the schedule's lookup and return its id; or run the minute's maintenance."""
    count(Metric.FIRINGS)
    if event == TICK:
        for metric in AT_LEAST_ZERO:
            count(metric, 0)
        try:
            return {"fed": services().maintenance.run()}
        finally:  # gauges are recorded even when feeding fails, and then most of all
            services().gauges.publish()
    fired = services().firings.serve(parse_firing(event))
    if fired.refused_because:
        count(Metric.FIRINGS_REFUSED)
        # The schedule shows the partner its own words; the log has the rule alone.
        logger.warning("firing refused", lookup_id=fired.lookup_id, refused_because=fired.refused_by)
    else:
        logger.info("schedule fired", lookup_id=fired.lookup_id, skipped_for=fired.skipped_for)
    return {name: value for name, value in asdict(fired).items() if name != "refused_by"}
