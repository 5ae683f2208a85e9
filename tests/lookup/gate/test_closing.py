"""Closing, learning from 429, and what an operator may do."""

from __future__ import annotations

import pytest

from lookup.errors import (
    VendorAccessDenied,
    VendorBadRequest,
    VendorError,
    VendorPayloadTooLarge,
    VendorThrottled,
    VendorUnauthorized,
    VendorUnavailable,
)
from lookup.gate.breaker import closure_for
from lookup.gate.window import Snapshot, limit_now
from lookup.model import Lane
from lookup.quota import Quota
from tests.lookup.gate.callers import Step
from tests.lookup.gate.closings import VENDOR_ERROR, callers_of, granted, refused


def test_eight_callers_with_one_429_close_once() -> None:
    """Of eight callers that get the same 429 exactly one closes, and the limit falls once, to 90 % of what was used."""
    callers = callers_of()
    grants = [granted(callers, caller) for caller in range(8) for _ in range(5)]
    epoch = callers.gates[0].state().epoch
    for caller in range(8):
        callers.gates[caller].report(grants[caller * 5], VendorThrottled("throttled", retry_at=callers.now + 40))
    state = callers.gates[0].state()
    assert (state.epoch, state.limit, state.closed_reason) == (epoch + 1, 720, "throttled")
    assert state.closed_until == callers.now + 40


def test_closed_for_everybody_also_with_old_copies() -> None:
    """A caller with an old snapshot learns of the closing from the item, with its end and reason."""
    callers = callers_of()
    grants = [granted(callers, caller) for caller in range(8)]
    callers.gates[3].report(grants[3], VendorThrottled("throttled", retry_at=callers.now + 40))
    for caller in range(8):
        closed = refused(callers, caller)
        assert (closed.retry_at, closed.reason) == (callers.now + 40, "throttled")


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [(None, 10.0), (-5.0, 10.0), (2.5, 2.5), (59.0, 59.0), (86400.0, 600.0)]
)
def test_throttled_closes_until_the_vendors_reset(retry_after: float | None, seconds: float) -> None:
    """The vendor's reset counts if it lies ahead, at most ten minutes; without one ten seconds are tried."""
    callers = callers_of(1)
    grant = granted(callers)
    retry_at = None if retry_after is None else callers.now + retry_after
    callers.gates[0].report(grant, VendorThrottled("throttled", retry_at=retry_at))
    assert refused(callers).retry_at == pytest.approx(callers.now + seconds, abs=0.01)


@pytest.mark.parametrize(("retry_after", "seconds"), [(30.0, 30.0), (86400.0, 600.0), (0.5, 1.0)])
def test_vendor_error_with_retry_after_closes_at_once(retry_after: float, seconds: float) -> None:
    """A 503 with `Retry-After` closes until then, for ten minutes at most, and lowers no limit."""
    callers = callers_of(1)
    grant = granted(callers)
    callers.gates[0].report(grant, VendorUnavailable("vendor_trouble", retry_at=callers.now + retry_after))
    closed = refused(callers)
    assert closed.reason == "trouble"
    assert closed.retry_at == pytest.approx(callers.now + max(seconds, 1.0), abs=1.01 if retry_after < 1 else 0.01)
    assert callers.gates[0].state().limit == 1000


@pytest.mark.parametrize("retry_after", [None, 0.0, -5.0])
def test_one_vendor_error_without_retry_after_does_not_close(retry_after: float | None) -> None:
    """A single vendor error without `Retry-After` does not close the gate."""
    callers = callers_of(1)
    for _ in range(2):
        retry_at = None if retry_after is None else callers.now + retry_after
        callers.gates[0].report(granted(callers), VendorUnavailable("vendor_trouble", retry_at=retry_at))


def test_limit_never_falls_so_low_that_a_lane_stands_still() -> None:
    """With hardly anything in use the limit falls to the headroom and a payload, and grows back over ten minutes."""
    callers = callers_of(1)
    grant = granted(callers)
    callers.gates[0].report(grant, VendorThrottled("throttled", retry_at=callers.now + 60))
    assert callers.gates[0].state().limit == 40
    callers.now += 60 + 300
    assert callers.gates[0].state().limit == 520
    callers.now += 300
    assert callers.gates[0].state().limit == 1000


def test_refused_probes_lower_the_limit_no_further() -> None:
    """While one 429 is followed by refused probes the limit stays where it fell to, and grows from the reopening on."""
    callers = callers_of(1)
    grants = [granted(callers) for _ in range(25)]
    callers.gates[0].report(grants[0], VendorThrottled("throttled", retry_at=callers.now + 70))
    for _ in range(3):
        callers.now += 70.01
        callers.gates[0].report(granted(callers), VendorThrottled("throttled", retry_at=callers.now + 70))
        assert callers.gates[0].state().limit == 450
    callers.now += 70.01
    callers.gates[0].report(granted(callers), None)
    assert callers.gates[0].state().limit == 450
    callers.now += 300
    assert callers.gates[0].state().limit == 725


def test_what_has_left_the_vendors_window_is_not_in_use() -> None:
    """The limit falls to 90 % of a window's users: what only the guard still counts is not among them."""
    quota = Quota(window=59.5)  # with slots of a second
    copy = Snapshot(granted=900, baselines={1000: 0, 1030: 400})
    assert closure_for(VendorThrottled("throttled", retry_at=None), copy, quota, 1001 + 59.6, 0.0).lowered_to == 450


def test_a_second_429_never_raises_the_limit() -> None:
    """What is in use may be over a limit that was just lowered: the next 429 leaves it there."""
    lowered = Snapshot(granted=900, baselines={1000: 0}, lowered_to=500, lowered_at=1000.0)
    assert closure_for(VendorThrottled("throttled", retry_at=None), lowered, Quota(), 1000.0, 0.0).lowered_to == 500


def test_a_raised_headroom_does_not_turn_a_lowered_limit_negative() -> None:
    """When a deployment raises the headroom over a lowered limit, the limit in force leaves one payload."""
    lowered = Snapshot(lowered_to=40, lowered_at=1000.0)
    assert limit_now(lowered, Quota(headroom=60, quiet_headroom=60), 1000.0) == 80
    assert limit_now(lowered, Quota(), 1000.0) == 40


@pytest.mark.parametrize("reason", ["credentials", "refused"])
def test_probe_now(reason: str) -> None:
    """A gate closed for the given reason grants a probe at once; any other stays as it is."""
    callers = callers_of(2)
    assert callers.gates[0].probe_now("credentials") is False
    callers.gates[0].report(granted(callers), VendorUnauthorized("key_rejected", status=401))
    assert callers.gates[1].probe_now(reason) is (reason == "credentials")
    assert callers.gates[1].probe_now(reason) is False
    assert callers.gates[1].state().is_blocked(callers.now) is (reason != "credentials")
    if reason == "credentials":
        assert granted(callers, caller=1, users=1).probe
        assert callers.gates[1].probe_now(reason) is False


def test_a_failed_probe_doubles_the_closing() -> None:
    """Every probe that fails doubles the closing, up to five minutes; one that succeeds ends it."""
    callers = callers_of(1)
    gate = callers.gates[0]
    for _ in range(3):
        gate.report(granted(callers, users=1), VENDOR_ERROR)
    seconds = []
    for _ in range(10):
        closed = refused(callers)
        seconds.append(round(closed.retry_at - callers.now, 1))
        callers.now = closed.retry_at + 0.01
        gate.report(granted(callers, users=1), VENDOR_ERROR)
    assert seconds == [1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 225.0, 225.0]
    callers.now = refused(callers).retry_at + 0.01
    gate.report(granted(callers, users=1), None)
    assert gate.state().closed_until is None


def test_single_vendor_errors_do_not_close() -> None:
    """Two vendor errors in a row change nothing; a response resets the count; the third in a row closes."""
    callers = callers_of(1)
    for error in (VENDOR_ERROR, VENDOR_ERROR, None, VENDOR_ERROR, VENDOR_ERROR):
        callers.gates[0].report(granted(callers, users=1), error)
    assert callers.gates[0].state().closed_until is None
    callers.gates[0].report(granted(callers, users=1), VENDOR_ERROR)
    assert refused(callers).reason == "trouble"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (VendorUnauthorized("key_rejected", status=401), "credentials"),
        (VendorAccessDenied("refused", status=403), "refused"),
        (VendorAccessDenied("refused", status=409), "refused"),
    ],
)
def test_what_a_person_must_mend_closes_long(error: VendorError, reason: str) -> None:
    """A refused key or account closes for 15 minutes or until an operator opens; all see it within two seconds."""
    callers = callers_of(2)
    callers.gates[0].report(granted(callers), error)
    closed = refused(callers, caller=1)
    assert (closed.reason, round(closed.retry_at - callers.now, 1)) == (reason, 900.0)
    assert callers.gates[1].open()
    callers.now += 2
    assert granted(callers, caller=0).probe is False
    assert callers.gates[0].state().limit == 1000


@pytest.mark.parametrize(
    "error",
    [VendorPayloadTooLarge("too_large", status=413), VendorBadRequest("rejected", status=415)],
)
def test_faults_of_ours_show_that_the_vendor_is_alive(error: VendorError) -> None:
    """What only our own request is to blame for never closes, and is good enough for a probe."""
    callers = callers_of(1)
    gate = callers.gates[0]
    gate.report(granted(callers), error)
    assert gate.state().closed_until is None
    gate.report(granted(callers), VendorAccessDenied("refused", status=403))
    callers.now += 901
    gate.report(granted(callers), error)
    assert gate.state().closed_until is None


def test_report_of_an_earlier_epoch_is_void() -> None:
    """What a call of before the closing reports does not close the gate that has been opened since."""
    callers = callers_of(2)
    early, other = granted(callers, 0), granted(callers, 1)
    callers.gates[0].report(early, VendorAccessDenied("refused", status=403))
    callers.gates[0].open()
    callers.gates[1].report(other, VendorAccessDenied("refused", status=403))
    assert callers.gates[0].state().closed_until is None


def test_state_reports_lanes_and_capacity() -> None:
    """The state gives the last window per lane, the limit, and when each lane has room for a payload."""
    callers = callers_of(1)
    for lane in (Lane.BULK, Lane.BULK, Lane.BULK, Lane.BULK, Lane.ON_DEMAND):
        callers.ask(Step(0, lane=lane))
    state, slot = callers.gates[0].state(), Quota().slot
    slot_end = (callers.now // slot + 1) * slot
    assert state.granted == {Lane.ON_DEMAND: 20, Lane.BULK: 80}
    assert (state.limit, state.full_limit, state.window, state.closed_until) == (1000, 1000, 60.0, None)
    assert state.next_room == {Lane.ON_DEMAND: callers.now, Lane.BULK: pytest.approx(slot_end + 3)}
    callers.now += 62
    assert callers.gates[0].state().granted == {Lane.ON_DEMAND: 0, Lane.BULK: 0}
