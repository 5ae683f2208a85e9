"""A closed gate opens by a probe: one payload under a lease, released, taken over or answered."""

from __future__ import annotations

import pytest

from lookup.errors import VendorThrottled, VendorUnauthorized
from tests.lookup.gate.callers import Step
from tests.lookup.gate.closings import callers_of, granted, refused


def test_reopening_is_a_probe_of_one_payload() -> None:
    """After a closing one caller may send one payload; everybody else waits for what comes of it."""
    callers = callers_of()
    callers.gates[0].report(granted(callers), VendorThrottled("throttled", retry_at=callers.now + 40))
    callers.now += 41
    probe = granted(callers, caller=5, users=1)
    assert probe.probe
    assert {refused(callers, caller).retry_at for caller in (0, 1, 5)} == {callers.now + 2}
    callers.gates[5].report(probe, None)
    callers.now += 2
    assert callers.gates[0].state().closed_until is None
    assert [granted(callers, caller, users=1).probe for caller in range(8)] == [False] * 8


def test_probe_whose_owner_dies_is_taken_over() -> None:
    """A probe that nobody reports is over with its lease; the next caller probes, and the dead one's word is void."""
    callers = callers_of()
    callers.gates[0].report(granted(callers), VendorThrottled("throttled", retry_at=callers.now + 40))
    callers.now += 41
    dead = granted(callers, caller=1)
    callers.now += 29.5
    assert refused(callers, caller=2).retry_at == pytest.approx(dead.effective_at + 30)
    callers.now += 1
    second = granted(callers, caller=2)
    assert second.probe
    callers.gates[1].report(dead, None)
    assert callers.gates[0].state().closed_until is not None
    callers.gates[2].report(second, None)
    assert callers.gates[0].state().closed_until is None


def test_a_released_probe_makes_room_for_the_next() -> None:
    """A probe whose call revealed nothing about the vendor is released: the next call is the probe, at once."""
    callers = callers_of(2)
    callers.gates[0].report(granted(callers), VendorUnauthorized("key_rejected", status=401))
    callers.now += 901
    callers.gates[0].release(granted(callers, users=1))
    assert callers.gates[0].state().closed_reason == "credentials"
    second = granted(callers, caller=1, users=1)
    assert second.probe
    callers.gates[1].report(second, None)
    assert callers.gates[0].state().closed_until is None


def test_releasing_what_is_no_probe_changes_nothing() -> None:
    """An ordinary grant that is released leaves the gate as it is."""
    callers = callers_of(1)
    grant = granted(callers)
    before = callers.gates[0].state()
    callers.gates[0].release(grant)
    assert callers.gates[0].state() == before


def test_a_probe_that_is_granted_too_late_is_released() -> None:
    """A probe that nobody could send in time does not keep the others waiting for its lease."""
    callers = callers_of(2)
    callers.gates[0].report(granted(callers), VendorThrottled("throttled", retry_at=callers.now + 40))
    callers.now += 41
    assert callers.ask(Step(0, users=1, flight=0.4)) is None
    assert callers.refusals[-1].reason == "late"
    assert granted(callers, caller=1, users=1).probe
