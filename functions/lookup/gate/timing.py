"""When a grant counts: as much of the guard as is measured not to be needed is taken off it. No input or output.

The vendor counts a call of grant A at `latest` at the latest, and one of grant B at `earliest` at the earliest, both by
bounds of the true time. B may not count within a window of A: `earliest(B) >= latest(A) + window`. Every process does
its part of that alone: it records a grant at `latest - (send_spread + clock_skew)`, and looks at the window as at
`earliest + clock_skew`. A process that has measured nothing assumes an error of `clock_skew` each way and needs all of
`send_spread`: for it both times are now, as if there were no such rule, so that all processes agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from lookup.gate.server_time import TimeBounds
from lookup.quota import HALF, Quota

SHORTEST = 0.2  # of the time to send, which is never made shorter (50 ms)
ANSWERS_TO_SEND = 4.0  # times that the slowest recent answer took: enough until the call leaves
KEPT = 7 / 8  # of the slowest answer's time, with every quicker one
PATIENT_WINDOWS = 10.0  # after a grant that was used too late, in which all of the time to send is allowed


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one grant by our clock (epoch seconds): when it may be sent, and as when it is counted."""

    effective_at: float
    not_after: float
    checked_at: float
    recorded_at: float
    is_measured: bool

    def slack(self, slot: float) -> float:
        """Return the share of a slot that is left, when capacity comes free, before grants are recorded in the next."""
        left = (self.checked_at - self.recorded_at) / slot + HALF
        return left % 1 or 1.0


class TimeToSend:
    """How long after a grant takes effect its call may leave: short while answers are quick and calls are in time."""

    def __init__(self, quota: Quota) -> None:
        self._most = quota.send_spread - quota.transit
        self._patience = PATIENT_WINDOWS * quota.window
        self._slowest = inf
        self._patient_until = -inf

    def learn(self, took: float) -> None:
        """Learn from an answer that took so long (seconds)."""
        self._slowest = max(took, KEPT * self._slowest if self._slowest < inf else took)

    def was_late(self, now: float) -> None:
        """Allow all of the time for a while, after a grant that could not be used in time."""
        self._patient_until = now + self._patience

    def at(self, now: float) -> float:
        """Return the seconds that are allowed now."""
        if now < self._patient_until:
            return self._most
        return min(self._most, max(SHORTEST * self._most, ANSWERS_TO_SEND * self._slowest))


def timing_of(quota: Quota, now: float, lead: float, time: TimeBounds, to_send: float) -> Timing:
    """Return the times of a grant that is requested `now` and takes effect `lead` seconds later."""
    if not time.is_measured:
        to_send = quota.send_spread - quota.transit
    latest = time.latest + to_send + quota.transit
    return Timing(
        effective_at=now + lead,
        not_after=now + lead + to_send,
        checked_at=time.earliest + quota.clock_skew + lead,
        recorded_at=latest - quota.send_spread - quota.clock_skew + lead,
        is_measured=time.is_measured,
    )
