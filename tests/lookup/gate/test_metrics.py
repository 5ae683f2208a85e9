"""What is observed at the gate, by the names that operators look at."""

from __future__ import annotations

import pytest

from lookup.gate.limiter import Observation, Seen
from lookup.gate.metrics import metric_of
from lookup.model import Lane

BULK, ON_DEMAND = Lane.BULK, Lane.ON_DEMAND


@pytest.mark.parametrize(
    ("seen", "lane", "reason", "name"),
    [
        (Seen.GRANTED, ON_DEMAND, None, "UsersGrantedOnDemand"),
        (Seen.GRANTED, BULK, None, "UsersGrantedBulk"),
        (Seen.WAITED, ON_DEMAND, None, "GateWaitOnDemand"),
        (Seen.WAITED, BULK, None, "GateWaitBulk"),
        (Seen.UNUSED, BULK, None, "UsersGrantedUnused"),
        (Seen.GATE_REQUEST, BULK, None, "GateRequests"),
        (Seen.REFUSED, BULK, "quota", "GateRefusalsQuota"),
        (Seen.REFUSED, BULK, "contention", "GateRefusalsContention"),
        (Seen.REFUSED, ON_DEMAND, "unanswered", "GateRefusalsUnanswered"),
        (Seen.REFUSED, ON_DEMAND, "late", "GateRefusalsLate"),
        (Seen.REFUSED, ON_DEMAND, "clock", "GateRefusalsClock"),
        (Seen.REFUSED, BULK, "credentials", "GateRefusalsClosed"),
        (Seen.CLOSED, None, "throttled", "GateClosed"),
        (Seen.REPORT_LOST, BULK, None, "GateReportsLost"),
    ],
)
def test_each_observation_has_its_metric(seen: Seen, lane: Lane | None, reason: str | None, name: str) -> None:
    """Users and waits are told per lane, refusals by reason; every reason of a closed gate is one metric."""
    assert metric_of(Observation("default", seen, 1.0, lane, reason)) == name
