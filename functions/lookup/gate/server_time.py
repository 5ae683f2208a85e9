"""Bounds of the true time, learned from the `Date` of DynamoDB's answers. No input or output.

`Date` has whole seconds, so one answer bounds the time to a second and its round trip, and many answers, at all points
of a second, to little more than a round trip. They bound our steady clock, which never steps, so that a step of the
wall clock in between does no harm. A measure is dropped at once when it is doubtful: when the two clocks disagree
about the time that has passed (a step, or a process that was frozen), or when two answers contradict each other.
Answers count for three to six minutes, which bounds what both clocks may miss together, and nobody can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from lookup.model import Clock

# Shares of `clock_skew`, the error that is assumed of a clock that is not measured (0.25 s).
DATE_ERROR = 0.08  # of the clocks of DynamoDB's hosts (20 ms)
STEADY = 0.08  # by which our two clocks may differ about the time since the last answer
USEFUL = 0.6  # width of bounds up to which they are used: wider ones save nothing
DRIFT = 200e-6  # of a steady clock that nobody corrects: four times what quartz does
DOUBT_SECONDS = 60.0  # after a contradiction, for which nothing is believed
KEPT_SECONDS = 180.0  # after which a new period of answers begins, and the period before the last is forgotten
UNKNOWN = (-inf, inf)


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The true time is between `earliest` and `latest` (epoch seconds); with `is_measured` by answers."""

    earliest: float
    latest: float
    is_measured: bool = False


class ServerTime:
    """The true time by one process's clocks: `clock` is the wall clock, right within `skew`, `steady` never steps."""

    def __init__(self, skew: float, clock: Clock, steady: Clock) -> None:
        self._skew = skew
        self._clock = clock
        self._steady = steady
        self._doubted_at = -inf
        self._forget()
        self._note()

    def _forget(self) -> None:
        self._bounds, self._before = UNKNOWN, UNKNOWN  # of the true time less the steady clock: this period, the last
        self._since = self._steady()

    def _note(self) -> None:
        self._ahead = self._clock() - self._steady()  # the wall clock's lead on the steady clock at the last answer
        self._answered_at = self._steady()

    def observe(self, sent_at: float, date: float) -> None:
        """Learn from an answer with this `Date` to a request that was sent at `sent_at` by the steady clock."""
        now, error = self._steady(), DATE_ERROR * self._skew
        answer = date - error - now, date + 1 + error - sent_at
        self._bounds, self._before = _common(self._moved(self._bounds, now), answer), self._moved(self._before, now)
        if not 0 <= now - self._since <= KEPT_SECONDS:  # also when a snapshot goes on on another machine
            self._bounds, self._before, self._since = answer, self._bounds, now
        self._note()
        lower, upper = _common(self._bounds, self._before)
        if lower > upper:
            self._doubted_at = now
        if 0 <= now - self._doubted_at < DOUBT_SECONDS:
            self._forget()

    def _moved(self, bounds: tuple[float, float], now: float) -> tuple[float, float]:
        """Return bounds as far as they still hold: less and less, and not at all when our two clocks disagree."""
        moved = self._clock() - now - self._ahead
        if abs(moved) > STEADY * self._skew:
            return UNKNOWN
        drift = DRIFT * abs(now - self._answered_at)
        return bounds[0] + min(moved, 0.0) - drift, bounds[1] + max(moved, 0.0) + drift

    def bounds(self) -> TimeBounds:
        """Return the bounds now: those of the wall clock unless the answers' are narrower, and agree with it."""
        wall, now = self._clock(), self._steady()
        assumed = TimeBounds(wall - self._skew, wall + self._skew)
        lower, upper = self._moved(_common(self._bounds, self._before), now)
        if upper - lower > USEFUL * self._skew:
            return assumed
        if lower + now > assumed.latest or upper + now < assumed.earliest:  # our clock is off, or theirs
            return TimeBounds(min(assumed.earliest, lower + now), max(assumed.latest, upper + now))
        return TimeBounds(max(assumed.earliest, lower + now), min(assumed.latest, upper + now), is_measured=True)


def _common(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), min(one[1], other[1])
