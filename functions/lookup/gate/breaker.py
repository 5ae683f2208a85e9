"""The circuit breaker: which vendor errors close the gate, until when, and how far a 429 lowers the limit."""

from __future__ import annotations

from lookup.errors import VendorAccessDenied, VendorError, VendorThrottled, VendorUnauthorized, VendorUnavailable
from lookup.gate.item import GateClosing
from lookup.gate.window import Snapshot, granted_before, limit_now
from lookup.model import PAYLOAD_LIMIT
from lookup.quota import Quota

CREDENTIALS, REFUSED, THROTTLED, UNAVAILABLE = "credentials", "refused", "throttled", "trouble"

FAILURES_TO_CLOSE = 3  # calls of one process in a row that find the vendor unavailable
LOWERED_SHARE = 0.9  # of what was in use: other systems spend the rest

# In windows, so that a scaled-down quota closes scaled-down.
OPERATOR_WINDOWS = 15.0  # until an operator has acted, a probe every fifteen minutes
UNAVAILABLE_MIN, UNAVAILABLE_MAX = 1 / 30, 5.0
THROTTLED_MIN, THROTTLED_MAX = 1 / 6, 10.0
LEASE_WINDOWS = 0.5  # a probe unanswered for so long is taken over
POLL_WINDOWS = 1 / 30  # a closed gate is read again so often: a probe or an operator may have opened it


def may_close(error: VendorError) -> bool:
    """Return whether an error can close the gate. The others only show that the vendor responds."""
    return isinstance(error, VendorThrottled | VendorUnauthorized | VendorAccessDenied | VendorUnavailable)


def closes_at_once(error: VendorError, now: float) -> bool:
    """Return whether one error is enough: all but unavailability without a `Retry-After`."""
    return not isinstance(error, VendorUnavailable) or (error.retry_at or now) > now


def closure_for(
    error: VendorError, copy: Snapshot, quota: Quota, now: float, jitter: float, *, ahead: float = 0.0
) -> GateClosing:
    """Return the closing that an error causes. `jitter` is between 0 and 1.

    `ahead` is how far the clock by which the error's `retry_at` was read is ahead of `now`'s (seconds).
    """
    closings = copy.closings + 1
    until = _until(error, quota, now, ahead)
    match error:
        case VendorThrottled():
            guess = now + min(THROTTLED_MIN * 2.0 ** min(closings - 1, 32), 1.0) * quota.window
            return GateClosing(guess if until is None else until, THROTTLED, closings, _lowered(copy, quota, now))
        case VendorUnauthorized():
            return GateClosing(now + OPERATOR_WINDOWS * quota.window, CREDENTIALS, closings)
        case VendorUnavailable():
            longest = min(UNAVAILABLE_MIN * 2.0 ** min(closings - 1, 32), UNAVAILABLE_MAX) * quota.window
            return GateClosing(max(now + longest * (1 + jitter) / 2, until or now), UNAVAILABLE, closings)
        case _:
            return GateClosing(now + OPERATOR_WINDOWS * quota.window, REFUSED, closings)


def _until(error: VendorError, quota: Quota, now: float, ahead: float) -> float | None:
    """Return the vendor's own time when it is in the future, bounded by ten windows."""
    if error.retry_at is None or error.retry_at - ahead <= now:
        return None
    return min(error.retry_at - ahead, now + THROTTLED_MAX * quota.window)


def _lowered(copy: Snapshot, quota: Quota, now: float) -> int:
    """Return 90 % of what was in use, at most the limit in force, at least what lets each lane make a call.

    A 429 to the probe of a gate that an earlier 429 closed lowers no further: little is in use because it is closed.
    """
    if copy.closed_reason == THROTTLED:
        return limit_now(copy, quota, now)
    in_use = copy.granted - granted_before(copy, quota, now - quota.window)
    floor = min(quota.headroom + PAYLOAD_LIMIT, quota.limit)
    return min(limit_now(copy, quota, now), max(int(in_use * LOWERED_SHARE), floor))
