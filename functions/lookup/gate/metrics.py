"""The gates' events as metrics: users granted and waits per lane, refusals by reason, closings."""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricUnit

from lookup.gate.limiter import GateEvent, Observation
from lookup.model import Lane
from lookup.telemetry import Metric, logger, metrics

BY_LANE = {
    (GateEvent.GRANTED, Lane.ON_DEMAND): Metric.USERS_GRANTED_ON_DEMAND,
    (GateEvent.GRANTED, Lane.BULK): Metric.USERS_GRANTED_BULK,
    (GateEvent.WAITED, Lane.ON_DEMAND): Metric.GATE_WAIT_ON_DEMAND,
    (GateEvent.WAITED, Lane.BULK): Metric.GATE_WAIT_BULK,
}
BY_REASON = {
    "quota": Metric.GATE_REFUSALS_QUOTA,
    "contention": Metric.GATE_REFUSALS_CONTENTION,
    "unanswered": Metric.GATE_REFUSALS_UNANSWERED,
    "late": Metric.GATE_REFUSALS_LATE,
    "clock": Metric.GATE_REFUSALS_CLOCK,
}
BY_KIND = {
    GateEvent.GATE_REQUEST: Metric.GATE_REQUESTS,
    GateEvent.UNUSED: Metric.USERS_GRANTED_UNUSED,
    GateEvent.CLOSED: Metric.GATE_CLOSED,
    GateEvent.REPORT_LOST: Metric.GATE_REPORTS_LOST,
}


def publish(observation: Observation) -> None:
    """Add one observation to the invocation's metrics; a closing is logged too, for an operator may have to act."""
    unit = MetricUnit.Seconds if observation.event is GateEvent.WAITED else MetricUnit.Count
    metrics.add_metric(name=metric_of(observation).value, unit=unit, value=observation.value)
    if observation.event is GateEvent.CLOSED:
        logger.error("gate closed", workspace=observation.workspace, reason=observation.reason, runbook="Gate closed")


def metric_of(observation: Observation) -> Metric:
    """Return the metric of an observation; a refusal for any other reason is one at a closed gate."""
    if observation.event is GateEvent.REFUSED:
        return BY_REASON.get(observation.reason or "", Metric.GATE_REFUSALS_CLOSED)
    if observation.lane is not None and (observation.event, observation.lane) in BY_LANE:
        return BY_LANE[observation.event, observation.lane]
    return BY_KIND[observation.event]
