"""Clocks that are off: their owners find out from the answers' `Date`, and do no lasting harm."""

from __future__ import annotations

import boto3
import pytest

from lookup.errors import RetryLater, VendorThrottled
from lookup.gate.limiter import GateEvent, gate_client
from lookup.model import Lane
from tests.lookup.gate.faulty_dynamodb import Stage

ON_DEMAND = Lane.ON_DEMAND


@pytest.mark.parametrize("instant", [0.0, 0.5, 0.999], ids="of its second {}".format)
@pytest.mark.parametrize("offset", [1.51, -1.51, 3600.0, -3600.0])
def test_clock_that_is_off_does_not_ask(stage: Stage, offset: float, instant: float) -> None:
    """A caller whose clock jumped charges one grant, learns it from the response, leaves it unused and stops."""
    stage.now += instant - stage.now % 1
    stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)
    stage.offset = offset
    for _ in range(3):
        with pytest.raises(RetryLater) as refusal:
            stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now + offset)
        assert refusal.value.reason in {"late", "clock"}
    assert stage.granted() == 6
    assert stage.count(GateEvent.UNUSED) == 1


@pytest.mark.parametrize("instant", [0.0, 0.5, 0.999], ids="of its second {}".format)
@pytest.mark.parametrize("offset", [0.49, -0.49])
def test_clock_within_half_a_second_asks(stage: Stage, offset: float, instant: float) -> None:
    """A clock that the whole seconds of `Date` cannot distinguish from the right one is accepted."""
    stage.now += instant - stage.now % 1
    stage.offset = offset
    for _ in range(3):
        assert stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now + offset).users == 5
    assert stage.granted() == 15


def test_new_process_with_a_clock_that_is_off_never_charges(stage: Stage, aws: boto3.Session) -> None:
    """A process whose clock is off from the start learns it from its first read, before any charge."""
    other = Stage(gate_client(aws), offset=-1.51, now=stage.now)
    with pytest.raises(RetryLater, match="clock"):
        other.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now)
    assert stage.granted() == 0


def test_mended_clock_asks_again(stage: Stage) -> None:
    """A caller whose clock was off checks it again before a request, and goes on when it is right."""
    stage.offset = 3.0
    with pytest.raises(RetryLater):
        stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now)
    stage.offset = 0.0
    assert stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now + 20).users == 5
    assert stage.granted() == 10


def test_jumped_clocks_do_no_lasting_harm(stage: Stage) -> None:
    """Marks that a clock an hour off left behind neither block the others nor free what is in use."""
    for offset in (3600.0, -3600.0):
        stage.offset = 0.0
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
        stage.offset = offset
        with pytest.raises(RetryLater):
            stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now + offset)
    assert stage.count(GateEvent.UNUSED) == 2
    stage.offset = 0.0
    stage.now += 10
    for _ in range(46):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    assert stage.granted() == 1000
    with pytest.raises(RetryLater, match="quota"):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    stage.now += 62
    assert stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now).users == 20


def test_jumped_clock_takes_no_probe(stage: Stage) -> None:
    """Who finds the gate due for a probe looks first when its last look is long ago: a jumped clock takes no lease."""
    grant = stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)
    stage.gate.report(grant, VendorThrottled("throttled", retry_at=stage.now + 10))
    stage.offset = 3600.0
    with pytest.raises(RetryLater, match="clock"):
        stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now + 3600)
    stage.offset = 0.0
    stage.now += 11
    assert stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now + 20).probe


def test_jumped_clock_closes_until_a_time_of_everybodys(stage: Stage) -> None:
    """A 429 that a process reports after its clock has jumped closes for the vendor's ten seconds all the same."""
    grant = stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)
    stage.offset = 3600.0
    stage.gate.report(grant, VendorThrottled("throttled", retry_at=stage.now + 3600 + 10))
    stage.offset = 0.0
    closed_until = stage.gate.state().closed_until
    assert closed_until is not None
    assert closed_until == pytest.approx(stage.now + 10, abs=1.5)
