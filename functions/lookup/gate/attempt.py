"""One turn at the gate: look at the copy, ask the item at most once, and say what came of it. Never sleeps.

The copy of the item is kept from turn to turn. An old copy costs a refused request, never a user too many.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from lookup.errors import GateClosed, RetryLater
from lookup.gate.breaker import LEASE, LOOK
from lookup.gate.grant import CLOCK, CONTENTION, LATE, QUOTA, UNANSWERED, GateEvent, Grant, Observation, Observe
from lookup.gate.item import GrantCharge, Request, charge_request, probe_request
from lookup.gate.table import GateTable, NoResponse
from lookup.gate.window import AHEAD, Capacity, NoCapacity, Snapshot, capacity
from lookup.model import Clock, Lane
from lookup.quota import Quota

MAKE_WAY, MAKE_WAY_MOST = 5, 4  # users per lost race, and races counted
CLOCK_PATIENCE = 5.0  # seconds that somebody whose clock is off shall wait
LEAD_KEPT = 7 / 8  # of a lead that the last answer did not need
LEAD_MARGIN = 1.5  # the next answer may take so many times as long as the last
LEAD_MOST = 1 / 40  # of the window
LEAD_LEAST = 1 / 10  # of the time in which an answer is in time: shorter leads help nobody
LEAD_HALVED = 1 / 2  # of the window: who has not asked for a while begins without one


class Attempts:
    """One process's turns at one workspace's gate."""

    def __init__(
        self, table: GateTable, quota: Quota, clock: Clock, observe: Observe, jitter: Callable[[], float]
    ) -> None:
        self._table = table
        self._quota = quota
        self._clock = clock
        self._observe = observe
        self._jitter = jitter
        self._copy: Snapshot | None = None
        self._look = LOOK * quota.window
        self._lost = 0  # races lost to others of late
        self._in_time = quota.send_spread - quota.transit
        self._lead = 0.0  # seconds ahead of now for which grants are stamped, as last learned
        self._learned_at = 0.0
        self.in_vain = 0  # requests in a row that were not answered in time

    def see(self, what: GateEvent, value: float = 1.0, *, lane: Lane | None = None, reason: str | None = None) -> None:
        """Tell the observer."""
        self._observe(Observation(self._table.workspace, what, value, lane, reason))

    def take(self, users: int, lane: Lane, until: float) -> Grant | RetryLater:
        """Get a grant stamped for `until` at the latest, or what stands against it.

        Its `retry_at` is now or past when asking again at once may help.
        """
        try:
            copy = self._usable_copy()
            now = self._clock()
            if self._table.clock_is_off:
                return RetryLater(now + CLOCK_PATIENCE, CLOCK)
            if copy.closed_until > now:
                known_at = min(copy.closed_until, now + self._look) if copy.probing else copy.closed_until
                return GateClosed(known_at, copy.closed_reason or QUOTA)
            stamp = now + self._lead_at(now)
            room = capacity(copy, self._quota, lane, users, stamp, behind=self._behind(lane))
            if isinstance(room, NoCapacity):
                return RetryLater(room.until - (stamp - now), QUOTA)
            return self._ask(copy, room, lane, stamp) if stamp <= max(until, now) else RetryLater(stamp, LATE)
        except NoResponse:
            self.in_vain += 1
            return RetryLater(self._clock(), UNANSWERED)

    def room_at(self, users: int, lane: Lane) -> float:
        """Return when there may be room, by the kept copy alone."""
        now = self._clock()
        if self._copy is None or self._copy.closed_until > 0:
            return now
        room = capacity(self._copy, self._quota, lane, users, now)
        return room.until if isinstance(room, NoCapacity) else now

    def latest(self) -> Snapshot:
        """Read the item as it is now; the first caller ever creates it. Raises `NoResponse`."""
        self.see(GateEvent.GATE_REQUEST)
        self._copy = self._table.read()
        if self._copy is None:
            self._copy = self._table.create()
            self.see(GateEvent.GATE_REQUEST)
        return self._copy

    def change(self, request: Request) -> bool:
        """Close or open, if the request's condition holds. Raises `NoResponse`."""
        self.see(GateEvent.GATE_REQUEST)
        answer = self._table.update(request)
        self._copy = answer.copy
        return answer.done

    def _usable_copy(self) -> Snapshot:
        """Give the kept copy, unless there is reason to look: a clock found off, or a gate found closed a while ago.

        So nobody probes whose clock has jumped since its last look.
        """
        copy, now = self._copy, self._clock()
        if copy is None or self._table.clock_is_off:
            return self.latest()
        was_closed = copy.closed_until > 0 and abs(now - self._table.looked_at) >= self._look
        return self.latest() if was_closed else copy

    def _behind(self, lane: Lane) -> int:
        """Let others go first the more the oftener they were quicker, so that many workers do not all ask for one room.

        Only bulk makes way.
        """
        return math.floor(self._lost * self._jitter() * MAKE_WAY) if lane is Lane.BULK else 0

    def _ask(self, copy: Snapshot, room: Capacity, lane: Lane, stamp: float) -> Grant | RetryLater:
        charge = GrantCharge(room, lane, stamp, stamp + LEASE * self._quota.window if copy.closed_until > 0 else None)
        self.see(GateEvent.GATE_REQUEST, lane=lane)
        asked_at = self._clock()
        answer = self._table.update(charge_request(copy, self._quota, charge))
        now = self._clock()
        self._copy = answer.copy
        self._learn_lead(now - asked_at, now)
        self.in_vain = 0 if now <= stamp + self._in_time else self.in_vain + 1
        if not answer.done or answer.copy is None:
            return self._lost_race(lane, now)
        return self._won(charge, answer.copy, now, copy.closed_reason)

    def _lost_race(self, lane: Lane, now: float) -> RetryLater:
        self._lost = min(self._lost + 1, MAKE_WAY_MOST)
        self.see(GateEvent.REFUSED, lane=lane, reason=CONTENTION)
        return RetryLater(now, CONTENTION)

    def _won(self, charge: GrantCharge, copy: Snapshot, now: float, closed_by: str | None) -> Grant | RetryLater:
        """Give the grant that was charged, unless it comes too late to use."""
        self._lost = max(self._lost - 1, 0)
        users, probe = charge.room.users, charge.lease_until is not None
        not_after = charge.stamp + self._in_time
        if now <= not_after and not self._table.clock_is_off:
            return Grant(users, charge.stamp, not_after, charge.lane, copy.epoch, probe, closed_by if probe else None)
        self.see(GateEvent.UNUSED, users, lane=charge.lane)
        if probe and not self._table.clock_is_off:  # else nobody could probe before its lease is over
            self.change(probe_request(copy.epoch, now))
        return RetryLater(now, LATE)

    @property
    def clock_offset(self) -> float:
        """How far our clock was ahead of the item's at the last answer (seconds); 0 when it was well."""
        return self._table.clock_offset if self._table.clock_is_off else 0.0

    def _lead_at(self, now: float) -> float:
        halvings = abs(now - self._learned_at) / (LEAD_HALVED * self._quota.window)
        lead = self._lead * math.pow(0.5, halvings)
        return lead if lead >= LEAD_LEAST * self._in_time else 0.0

    def _learn_lead(self, took: float, now: float) -> None:
        """Stamp the next grants so far ahead that an answer as slow as this one is in time for them.

        Otherwise everybody is late once requests take longer than the spread allows: quota is charged and not used,
        and those who ask again keep the item slow.
        """
        most = min(LEAD_MOST * self._quota.window, AHEAD / 2)
        needed = min(LEAD_MARGIN * took - self._in_time, most)
        self._lead, self._learned_at = max(needed, self._lead_at(now) * LEAD_KEPT, 0.0), now
