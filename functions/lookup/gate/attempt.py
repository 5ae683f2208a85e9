"""One attempt at a grant: check the cached copy of the item, update the item at most once. Never sleeps.

The copy is kept from attempt to attempt. A stale copy costs a refused request, never a user too many.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from lookup.errors import GateClosed, RetryLater
from lookup.gate.breaker import LEASE_WINDOWS, POLL_WINDOWS
from lookup.gate.grant import CLOCK, CONTENTION, LATE, QUOTA, UNANSWERED, GateEvent, Grant, Observation, Observe
from lookup.gate.item import PendingGrant, Request, announce_request, grant_request, probe_request
from lookup.gate.table import GateTable, NoResponse
from lookup.gate.timing import TimeToSend, Timing, timing_of
from lookup.gate.window import MAX_AHEAD, Capacity, NoCapacity, Snapshot, capacity, on_demand_active
from lookup.model import Clock, Lane
from lookup.quota import Quota

YIELD_USERS, MAX_YIELDS = 5, 4  # users per lost race, and races counted
CLOCK_RETRY_SECONDS = 5.0  # a process whose clock is off waits so long
LEAD_KEPT = 7 / 8  # of a lead that the last response did not need
LEAD_MARGIN = 1.5  # the next response may take so many times as long as the last
MAX_LEAD = 1 / 40  # of the window
MIN_LEAD = 1 / 10  # of the time in which a response is in time: shorter leads have no effect
LEAD_HALF_LIFE = 1 / 2  # of the window: an idle process begins without one


class Attempts:
    """One process's attempts at one workspace's gate."""

    def __init__(
        self, table: GateTable, quota: Quota, clock: Clock, observe: Observe, jitter: Callable[[], float]
    ) -> None:
        self._table = table
        self._quota = quota
        self._clock = clock
        self._observe = observe
        self._jitter = jitter
        self._copy: Snapshot | None = None
        self._poll_seconds = POLL_WINDOWS * quota.window
        self._lost_races = 0  # recent updates refused because another process was first
        self._in_time = quota.send_spread - quota.transit
        self._to_send = TimeToSend(quota)
        self._lead = 0.0  # seconds ahead of now at which grants take effect, as last learned
        self._learned_at = 0.0
        self.unanswered = 0  # requests in a row that were not answered in time

    def observe(
        self, event: GateEvent, value: float = 1, *, lane: Lane | None = None, reason: str | None = None
    ) -> None:
        """Report an event to the observer."""
        self._observe(Observation(self._table.workspace, event, value, lane, reason))

    def try_once(self, users: int, lane: Lane, until: float) -> Grant | RetryLater:
        """Return a grant effective by `until` at the latest, or why there is none.

        A `retry_at` of now or earlier means that an immediate retry may succeed.
        """
        try:
            copy = self._usable_snapshot()
            now = self._clock()
            if self._table.clock_is_off:
                return RetryLater(now + CLOCK_RETRY_SECONDS, CLOCK)
            if copy.closed_until > now:
                known_at = min(copy.closed_until, now + self._poll_seconds) if copy.probing else copy.closed_until
                return GateClosed(known_at, copy.closed_reason or QUOTA)
            timing = self._timing(now)
            ahead = self._quota.clock_skew if timing.is_measured else 0.0
            room = capacity(
                copy, self._quota, lane, users, timing.checked_at, yield_to=self._yield_to(lane), ahead=ahead
            )
            if isinstance(room, NoCapacity):
                is_unseen = copy.closed_until == 0 and not on_demand_active(copy, self._quota, timing.checked_at)
                if lane is Lane.ON_DEMAND and is_unseen:
                    self.change(announce_request(copy, self._quota, timing.recorded_at))
                return RetryLater(room.until - (timing.checked_at - now), QUOTA)
            if timing.effective_at > max(until, now):
                return RetryLater(timing.effective_at, LATE)
            return self._request(copy, room, lane, timing)
        except NoResponse:
            self.unanswered += 1
            return RetryLater(self._clock(), UNANSWERED)

    def room_at(self, users: int, lane: Lane) -> float:
        """Return when there may be capacity, by the cached copy alone."""
        now = self._clock()
        if self._copy is None or self._copy.closed_until > 0:
            return now
        ahead = self._timing(now).checked_at - now
        room = capacity(self._copy, self._quota, lane, users, now + ahead)
        return room.until - ahead if isinstance(room, NoCapacity) else now

    @property
    def slack(self) -> float:
        """The share of a slot in which capacity that has just come free is best granted again."""
        return self._timing(self._clock()).slack(self._quota.slot)

    def _timing(self, now: float) -> Timing:
        return timing_of(self._quota, now, self._lead_at(now), self._table.time.bounds(), self._to_send.at(now))

    def note_unused(self, grant: Grant) -> None:
        """Allow more time for sending after a grant that was used too late."""
        if (now := self._clock()) > grant.not_after:
            self._to_send.was_late(now)

    def refresh(self) -> Snapshot:
        """Read the item; the first caller ever creates it. Raises `NoResponse`."""
        self.observe(GateEvent.GATE_REQUEST)
        self._copy = self._table.read()
        if self._copy is None:
            self._copy = self._table.create()
            self.observe(GateEvent.GATE_REQUEST)
        return self._copy

    def change(self, request: Request) -> bool:
        """Close or open, if the request's condition holds. Raises `NoResponse`."""
        self.observe(GateEvent.GATE_REQUEST)
        answer = self._table.update(request)
        self._copy = answer.copy
        return answer.done

    def _usable_snapshot(self) -> Snapshot:
        """Return the cached copy, or read the item when our clock was off or the gate was closed a while ago.

        So a process whose clock has jumped since its last read never probes.
        """
        copy, now = self._copy, self._clock()
        if copy is None or self._table.clock_is_off:
            return self.refresh()
        was_closed = copy.closed_until > 0 and abs(now - self._table.answered_at) >= self._poll_seconds
        return self.refresh() if was_closed else copy

    def _yield_to(self, lane: Lane) -> int:
        """Return how many users of others shall be granted first: more after each lost race. Bulk alone yields.

        It keeps many workers from requesting the same capacity.
        """
        return math.floor(self._lost_races * self._jitter() * YIELD_USERS) if lane is Lane.BULK else 0

    def _request(self, copy: Snapshot, room: Capacity, lane: Lane, timing: Timing) -> Grant | RetryLater:
        lease_until = timing.effective_at + LEASE_WINDOWS * self._quota.window if copy.closed_until > 0 else None
        pending = PendingGrant(room, lane, timing.effective_at, timing.recorded_at, lease_until)
        self.observe(GateEvent.GATE_REQUEST, lane=lane)
        sent_at = self._clock()
        answer = self._table.update(grant_request(copy, self._quota, pending))
        now = self._clock()
        self._copy = answer.copy
        self._learn_lead(now - sent_at, now)
        self.unanswered = 0 if now <= timing.not_after else self.unanswered + 1
        if not answer.done or answer.copy is None:
            return self._contended(lane, now)
        return self._granted(pending, timing, answer.copy, copy.closed_reason)

    def _contended(self, lane: Lane, now: float) -> RetryLater:
        self._lost_races = min(self._lost_races + 1, MAX_YIELDS)
        self.observe(GateEvent.REFUSED, lane=lane, reason=CONTENTION)
        return RetryLater(now, CONTENTION)

    def _granted(
        self, pending: PendingGrant, timing: Timing, copy: Snapshot, closed_by: str | None
    ) -> Grant | RetryLater:
        """Return the written grant, or `RetryLater` when it comes too late to use."""
        self._lost_races = max(self._lost_races - 1, 0)
        now, not_after = self._clock(), timing.not_after
        users, probe = pending.room.users, pending.lease_until is not None
        if now <= not_after and not self._table.clock_is_off and self._still_holds(timing):
            return Grant(
                users, pending.effective_at, not_after, pending.lane, copy.epoch, probe, closed_by if probe else None
            )
        self._to_send.was_late(now)
        self.observe(GateEvent.UNUSED, users, lane=pending.lane)
        if probe and not self._table.clock_is_off:  # else the next probe has to wait for the end of this lease
            self.change(probe_request(copy.epoch, now))
        return RetryLater(now, LATE)

    def _still_holds(self, timing: Timing) -> bool:
        """Return whether the time by which a grant was made is not in doubt since."""
        bounds = self._table.time.bounds()
        return bounds.is_measured or not timing.is_measured

    @property
    def clock_offset(self) -> float:
        """How far our clock was ahead of DynamoDB's at the last response (seconds); 0 within the tolerance."""
        return self._table.clock_offset if self._table.clock_is_off else 0.0

    def _lead_at(self, now: float) -> float:
        halvings = abs(now - self._learned_at) / (LEAD_HALF_LIFE * self._quota.window)
        lead = self._lead * math.pow(0.5, halvings)
        return lead if lead >= MIN_LEAD * self._in_time else 0.0

    def _learn_lead(self, took: float, now: float) -> None:
        """Set the lead of the next grants' effective times so that a response as slow as this one is in time.

        Without a lead all grants are late once requests take longer than the spread allows: quota is counted and not
        used, and the retries keep the item slow.
        """
        most = min(MAX_LEAD * self._quota.window, MAX_AHEAD / 2)
        needed = min(LEAD_MARGIN * took - self._in_time, most)
        self._to_send.learn(took)
        self._lead, self._learned_at = max(needed, self._lead_at(now) * LEAD_KEPT, 0.0), now
