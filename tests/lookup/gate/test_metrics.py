"""What is observed at the gate, by the names that operators look at."""

from __future__ import annotations

import pytest

from lookup.gate.limiter import GateEvent, Observation
from lookup.gate.metrics import metric_of
from lookup.model import Lane

BULK, ON_DEMAND = Lane.BULK, Lane.ON_DEMAND


@pytest.mark.parametrize(
    ("seen", "lane", "reason", "name"),
    [
        (GateEvent.GRANTED, ON_DEMAND, None, "UsersGrantedOnDemand"),
        (GateEvent.GRANTED, BULK, None, "UsersGrantedBulk"),
        (GateEvent.WAITED, ON_DEMAND, None, "GateWaitOnDemand"),
        (GateEvent.WAITED, BULK, None, "GateWaitBulk"),
        (GateEvent.UNUSED, BULK, None, "UsersGrantedUnused"),
        (GateEvent.GATE_REQUEST, BULK, None, "GateRequests"),
        (GateEvent.REFUSED, BULK, "quota", "GateRefusalsQuota"),
        (GateEvent.REFUSED, BULK, "contention", "GateRefusalsContention"),
        (GateEvent.REFUSED, ON_DEMAND, "unanswered", "GateRefusalsUnanswered"),
        (GateEvent.REFUSED, ON_DEMAND, "late", "GateRefusalsLate"),
        (GateEvent.REFUSED, ON_DEMAND, "clock", "GateRefusalsClock"),
        (GateEvent.REFUSED, BULK, "credentials", "GateRefusalsClosed"),
        (GateEvent.CLOSED, None, "throttled", "GateClosed"),
        (GateEvent.REPORT_LOST, BULK, None, "GateReportsLost"),
    ],
)
def test_each_observation_has_its_metric(seen: GateEvent, lane: Lane | None, reason: str | None, name: str) -> None:
    """Users and waits are recorded per lane, refusals by reason; every reason of a closed gate is one metric."""
    assert metric_of(Observation("default", seen, 1.0, lane, reason)) == name
