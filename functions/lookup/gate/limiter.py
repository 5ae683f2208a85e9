"""The only place that lets a payload through to MoEngage: one exact quota for every function, with lanes.

How it works and what it guarantees is told in `docs/gate.md`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from lookup.errors import GateClosed, RetryLater, VendorError, VendorUnavailable
from lookup.gate.attempt import Attempts
from lookup.gate.breaker import LOOK, TROUBLES_IN_A_ROW, closes_at_once, closure_for, may_close
from lookup.gate.grant import CONTENTION, LATE, QUOTA, UNANSWERED, Gate, GateEvent, Grant, Observation, Observe, ignore
from lookup.gate.item import Request, close_request, open_request, probe_request
from lookup.gate.state import GateState, state_of
from lookup.gate.table import GateTable, NoResponse, gate_client
from lookup.gate.window import Snapshot
from lookup.model import Clock, Lane, Sleep
from lookup.quota import Quota

__all__ = [
    "Gate",
    "GateEvent",
    "GateState",
    "Grant",
    "Observation",
    "Observe",
    "QuotaGate",
    "gate_client",
]  # fmt: skip

T = TypeVar("T")
CROWD_SLOTS = 7  # over which the people of a crowd spread their next try at most
ASKED_IN_VAIN = 3  # requests in a row without an answer, or answered too late, before work is given back
SLOW_DOUBLINGS = 5  # at most, of the pause after a request in vain: to between eight and sixteen slots
# How long after room comes free, as shares of a slot, somebody who waited for it asks again: from, to. Room comes free
# in the middle of a slot (`Quota.slot`); what is granted before that slot's end comes free half a slot sooner again.
ON_DEMAND_PHASE = (0.0, 0.1)
BULK_PHASE = (0.1, 0.35)


class QuotaGate:
    """The gate over one DynamoDB item. `jitter` gives numbers from 0 to below 1."""

    def __init__(
        self,
        table: GateTable,
        quota: Quota,
        *,
        clock: Clock,
        sleep: Sleep,
        observe: Observe = ignore,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._turns = Attempts(table, quota, clock, observe, jitter)
        self._quota = quota
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._troubles = 0

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:
        """See `Gate.admit`."""
        started = self._clock()
        refused: Counter[str] = Counter()
        while True:
            turn = self._turns.take(users, lane, wait_until)
            if isinstance(turn, Grant):
                self._turns.see(GateEvent.GRANTED, turn.users, lane=lane)
                self._turns.see(GateEvent.WAITED, self._come_to(turn) - started, lane=lane)
                return turn
            refused[turn.reason] += 1
            turn = self._spaced(turn, refused[turn.reason], lane)
            if turn.retry_at > wait_until or self._is_shed(turn):
                self._turns.see(GateEvent.REFUSED, lane=lane, reason=turn.reason)
                raise turn
            self._await(turn, lane, wait_until)

    def _is_shed(self, turn: RetryLater) -> bool:
        return turn.reason in {UNANSWERED, LATE} and self._turns.in_vain >= ASKED_IN_VAIN

    def _come_to(self, grant: Grant) -> float:
        """Wait for the moment that the grant is stamped for, and give it: a call before it would count too early."""
        if grant.stamp > self._clock():
            self._sleep(grant.stamp - self._clock())
        return grant.stamp

    def _spaced(self, turn: RetryLater, times: int, lane: Lane) -> RetryLater:
        """Ask again at once only the first time others were quicker; after that make way, the longer the oftener.

        A slot that comes free has room for a score of people: a crowd that waits for it spreads over more and more
        slots, or its requests alone would keep the item busy. After three answers in a row that were lost or late,
        work asks once and is given back, until an answer is in time again.
        """
        slot = self._quota.slot
        if turn.reason == CONTENTION:
            turn.retry_at += min(times - 1, 4) * slot * self._jitter()
        if turn.reason == QUOTA and lane is Lane.ON_DEMAND:
            turn.retry_at += min(2 ** (times - 1) - 1, CROWD_SLOTS) * slot * self._jitter()
        if turn.reason in {UNANSWERED, LATE}:
            turn.retry_at += 2 ** min(self._turns.in_vain, SLOW_DOUBLINGS) * slot * (1 + self._jitter()) / 4
        return turn

    def _phase(self, lane: Lane) -> float:
        """Spread those who wait for the same moment over the slot, the waiting people before the work nobody awaits.

        It costs nothing: a slot counts until its end has left the window, wherever in it the grant was, and room that
        comes free in the middle of a slot leaves half of it for this.
        """
        first, last = ON_DEMAND_PHASE if lane is Lane.ON_DEMAND else BULK_PHASE
        return self._quota.slot * (first + (last - first) * self._jitter())

    def _await(self, turn: RetryLater, lane: Lane, wait_until: float) -> None:
        now = self._clock()
        wake_at = max(min(turn.retry_at + self._phase(lane), wait_until), turn.retry_at)
        if isinstance(turn, GateClosed):
            wake_at = min(wake_at, now + LOOK * self._quota.window)
        if turn.retry_at > now:
            self._sleep(wake_at - now)

    def report(self, grant: Grant, fault: VendorError | None) -> None:
        """See `Gate.report`."""
        self._tell(grant, partial(self._learn, grant, fault))

    def release(self, grant: Grant) -> None:
        """See `Gate.release`."""
        if grant.probe:
            self._tell(grant, lambda: self._turns.change(probe_request(grant.epoch, self._clock())))

    def _tell(self, grant: Grant, news: Callable[[], object]) -> None:
        try:
            news()
        except (NoResponse, ClientError):
            self._turns.see(GateEvent.REPORT_LOST, lane=grant.lane)

    def _learn(self, grant: Grant, fault: VendorError | None) -> None:
        self._troubles = self._troubles + 1 if isinstance(fault, VendorUnavailable) else 0
        if fault is None or not may_close(fault):
            if grant.probe:
                self._turns.change(open_request(grant.epoch))
        elif grant.probe or closes_at_once(fault, self._clock()) or self._troubles >= TROUBLES_IN_A_ROW:
            self._close(grant.epoch, fault)

    def _close(self, epoch: int, fault: VendorError) -> None:
        """Close for everybody, unless somebody has since the grant: of eight callers with one 429 one wins."""
        copy = self._turns.latest()
        self._troubles = 0
        if copy.epoch != epoch:
            return
        ahead = self._turns.clock_offset  # closed until a time of everybody's, however far off our clock is
        change = closure_for(fault, copy, self._quota, self._clock() - ahead, self._jitter(), ahead=ahead)
        if self._turns.change(close_request(epoch, change)):
            self._turns.see(GateEvent.CLOSED, reason=change.reason)

    def room_at(self, users: int, lane: Lane) -> float:
        """Return when a call of so many users may find room, by what this process last saw; it asks nobody.

        A time that is over by now means at once, or that only the item can tell.
        """
        return self._turns.room_at(users, lane)

    def state(self) -> GateState:
        """Read what the gate's item says now. Raises `RetryLater` when it does not answer."""
        return state_of(self._read(), self._quota, self._clock())

    def open(self) -> bool:
        """Open the gate, whatever closed it: an operator's word. Tells whether nothing came between."""
        return self._changed(open_request(self._read().epoch))

    def hasten(self, reason: str) -> bool:
        """Let the next call be the probe at once, if the gate is closed for this reason; tell whether it is now."""
        copy, now = self._read(), self._clock()
        waits = copy.closed_reason == reason and copy.closed_until > now and not copy.probing
        return waits and self._changed(probe_request(copy.epoch, now))

    def _read(self) -> Snapshot:
        return self._answered(self._turns.latest)

    def _changed(self, request: Request) -> bool:
        return self._answered(lambda: self._turns.change(request))

    def _answered(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except NoResponse:
            raise RetryLater(self._clock() + self._quota.slot, UNANSWERED) from None
