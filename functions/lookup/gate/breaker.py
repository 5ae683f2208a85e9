"""What a fault of the vendor's does to the gate: close it or not, until when, and how far the limit falls."""

from __future__ import annotations

from lookup.errors import VendorAccessDenied, VendorError, VendorThrottled, VendorUnauthorized, VendorUnavailable
from lookup.gate.item import Closure
from lookup.gate.window import Snapshot, granted_at, limit_now
from lookup.model import PAYLOAD_LIMIT
from lookup.quota import Quota

CREDENTIALS, REFUSED, THROTTLED, TROUBLE = "credentials", "refused", "throttled", "trouble"

TROUBLES_IN_A_ROW = 3  # calls of one process that end in trouble before it closes the gate for all
LOWERED = 0.9  # of what was in use: somebody else spends the rest

# In windows, so that a scaled-down quota closes scaled-down.
LONG = 15.0  # until a person has acted, a probe every fifteen minutes
TROUBLE_FIRST, TROUBLE_LONGEST = 1 / 30, 5.0
THROTTLED_FIRST, THROTTLED_LONGEST = 1 / 6, 10.0
LEASE = 0.5  # a probe unanswered for so long is taken over
LOOK = 1 / 30  # those who find the gate closed look again so often: a probe or an operator may have opened it


def may_close(fault: VendorError) -> bool:
    """Tell whether a fault can close the gate. The others only show that the vendor is alive."""
    return isinstance(fault, VendorThrottled | VendorUnauthorized | VendorAccessDenied | VendorUnavailable)


def closes_at_once(fault: VendorError, now: float) -> bool:
    """Tell whether one fault is enough; trouble that says until when it lasts need not come again."""
    return not isinstance(fault, VendorUnavailable) or (fault.retry_at or now) > now


def closure_for(
    fault: VendorError, copy: Snapshot, quota: Quota, now: float, jitter: float, *, ahead: float = 0.0
) -> Closure:
    """Tell how a fault that may close does close the gate. `jitter` is between 0 and 1.

    `ahead` is how far the clock by which the fault's `retry_at` was read is ahead of `now`'s.
    """
    closings = copy.closings + 1
    until = _until(fault, quota, now, ahead)
    match fault:
        case VendorThrottled():
            guess = now + min(THROTTLED_FIRST * 2.0 ** min(closings - 1, 32), 1.0) * quota.window
            return Closure(guess if until is None else until, THROTTLED, closings, _lowered(copy, quota, now))
        case VendorUnauthorized():
            return Closure(now + LONG * quota.window, CREDENTIALS, closings)
        case VendorUnavailable():
            longest = min(TROUBLE_FIRST * 2.0 ** min(closings - 1, 32), TROUBLE_LONGEST) * quota.window
            return Closure(max(now + longest * (1 + jitter) / 2, until or now), TROUBLE, closings)
        case _:
            return Closure(now + LONG * quota.window, REFUSED, closings)


def _until(fault: VendorError, quota: Quota, now: float, ahead: float) -> float | None:
    """Take the vendor's own time if it is to come, and no absurd one."""
    if fault.retry_at is None or fault.retry_at - ahead <= now:
        return None
    return min(fault.retry_at - ahead, now + THROTTLED_LONGEST * quota.window)


def _lowered(copy: Snapshot, quota: Quota, now: float) -> int:
    """Give 90 % of what was in use, never more than the limit in force, never so little that a lane stands still.

    A 429 to the probe of a gate that an earlier one closed lowers no further: little is in use because it is closed.
    """
    if copy.closed_reason == THROTTLED:
        return limit_now(copy, quota, now)
    in_use = copy.granted - granted_at(copy, quota, now - quota.window)
    floor = min(quota.headroom + PAYLOAD_LIMIT, quota.limit)
    return min(limit_now(copy, quota, now), max(int(in_use * LOWERED), floor))
