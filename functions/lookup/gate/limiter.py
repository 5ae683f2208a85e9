"""The rate limiter: every payload to MoEngage needs a grant from here. Algorithm and guarantees: `docs/gate.md`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from lookup.errors import GateClosed, RetryLater, UnknownWorkspace, VendorError, VendorUnavailable
from lookup.gate.attempt import Attempts
from lookup.gate.breaker import FAILURES_TO_CLOSE, POLL_WINDOWS, closes_at_once, closure_for, may_close
from lookup.gate.grant import CONTENTION, LATE, QUOTA, UNANSWERED, Gate, GateEvent, Grant, Observation, Observe, ignore
from lookup.gate.item import Request, close_request, open_request, probe_request
from lookup.gate.state import GateState, state_of
from lookup.gate.table import GateTable, NoResponse, gate_client, raw_clock
from lookup.gate.window import Snapshot
from lookup.model import Clock, Lane, Sleep
from lookup.quota import HALF, Quota
from lookup.settings import Workspace

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
MAX_CROWD_SLOTS = 7  # over which waiting on-demand requests spread their retries at most
MAX_UNANSWERED = 3  # requests in a row without a response, or with a late one, before `RetryLater` is raised
MAX_DOUBLINGS = 5  # of the pause after an unanswered request: to between eight and sixteen slots
# Jitter of a retry after capacity comes free, as shares of a slot: from, to. Capacity comes free in the middle of a
# slot (`Quota.slot`); what is granted before that slot's end comes free half a slot sooner again.
ON_DEMAND_PHASE = (0.0, 0.1)
BULK_PHASE = (0.1, 0.35)


class QuotaGate:
    """The gate over one DynamoDB item. `jitter` returns numbers from 0 to below 1."""

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
        self._attempts = Attempts(table, quota, clock, observe, jitter)
        self._quota = quota
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._failures = 0

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:
        """See `Gate.admit`."""
        started = self._clock()
        refused: Counter[str] = Counter()
        while True:
            result = self._attempts.try_once(users, lane, wait_until)
            if isinstance(result, Grant):
                self._attempts.observe(GateEvent.GRANTED, result.users, lane=lane)
                self._attempts.observe(GateEvent.WAITED, self._sleep_until_effective(result) - started, lane=lane)
                return result
            refused[result.reason] += 1
            result = self._backed_off(result, refused[result.reason], lane)
            if result.retry_at > wait_until or self._gives_up(result):
                self._attempts.observe(GateEvent.REFUSED, lane=lane, reason=result.reason)
                raise result
            self._sleep_until_retry(result, lane, wait_until)

    def _gives_up(self, result: RetryLater) -> bool:
        return result.reason in {UNANSWERED, LATE} and self._attempts.unanswered >= MAX_UNANSWERED

    def _sleep_until_effective(self, grant: Grant) -> float:
        """Wait until the grant takes effect, and return that time: a call before it would count too early."""
        if grant.effective_at > self._clock():
            self._sleep(grant.effective_at - self._clock())
        return grant.effective_at

    def _backed_off(self, result: RetryLater, times: int, lane: Lane) -> RetryLater:
        """Return the refusal with its time to retry: at once after the first lost race, then later after each one.

        A slot that comes free has capacity for about twenty users: many waiting requests spread over more and more
        slots, or their updates alone would keep the item busy. After three lost or late responses in a row each
        request is sent once and then raises `RetryLater`, until a response is in time again.
        """
        slot = self._quota.slot
        if result.reason == CONTENTION:
            result.retry_at += min(times - 1, 4) * slot * self._jitter()
        if result.reason == QUOTA and lane is Lane.ON_DEMAND:
            result.retry_at += min(2 ** (times - 1) - 1, MAX_CROWD_SLOTS) * slot * self._jitter()
        if result.reason in {UNANSWERED, LATE}:
            result.retry_at += 2 ** min(self._attempts.unanswered, MAX_DOUBLINGS) * slot * (1 + self._jitter()) / 4
        return result

    def _phase(self, lane: Lane) -> float:
        """Return the jitter of a retry (seconds): on-demand requests come before bulk work within the slot.

        It costs no quota: a slot counts until its end has left the window, wherever in it the grant was, and capacity
        that comes free in the middle of a slot leaves half of it for this.
        """
        first, last = ON_DEMAND_PHASE if lane is Lane.ON_DEMAND else BULK_PHASE
        return self._quota.slot * min(self._attempts.slack / HALF, 1.0) * (first + (last - first) * self._jitter())

    def _sleep_until_retry(self, result: RetryLater, lane: Lane, wait_until: float) -> None:
        now = self._clock()
        wake_at = max(min(result.retry_at + self._phase(lane), wait_until), result.retry_at)
        if isinstance(result, GateClosed):
            wake_at = min(wake_at, now + POLL_WINDOWS * self._quota.window)
        if result.retry_at > now:
            self._sleep(wake_at - now)

    def report(self, grant: Grant, error: VendorError | None) -> None:
        """See `Gate.report`."""
        self._best_effort(grant, partial(self._apply_report, grant, error))

    def release(self, grant: Grant) -> None:
        """See `Gate.release`."""
        self._attempts.note_unused(grant)
        if grant.probe:
            self._best_effort(grant, lambda: self._attempts.change(probe_request(grant.epoch, self._clock())))

    def _best_effort(self, grant: Grant, apply: Callable[[], object]) -> None:
        try:
            apply()
        except (NoResponse, ClientError):
            self._attempts.observe(GateEvent.REPORT_LOST, lane=grant.lane)

    def _apply_report(self, grant: Grant, error: VendorError | None) -> None:
        self._failures = self._failures + 1 if isinstance(error, VendorUnavailable) else 0
        if error is None or not may_close(error):
            if grant.probe:
                self._attempts.change(open_request(grant.epoch, self._clock()))
        elif grant.probe or closes_at_once(error, self._clock()) or self._failures >= FAILURES_TO_CLOSE:
            self._close(grant.epoch, error)

    def _close(self, epoch: int, error: VendorError) -> None:
        """Close for all processes, unless the gate has changed since the grant: of eight 429s at once one closes it."""
        copy = self._attempts.refresh()
        self._failures = 0
        if copy.epoch != epoch:
            return
        ahead = self._attempts.clock_offset  # the closing ends by the server's clock, however far off ours is
        now = self._clock() - ahead
        change = closure_for(error, copy, self._quota, now, self._jitter(), ahead=ahead)
        if self._attempts.change(close_request(epoch, change, None if copy.closed_until else now)):
            self._attempts.observe(GateEvent.CLOSED, reason=change.reason)

    def room_at(self, users: int, lane: Lane) -> float:
        """See `Gate.room_at`. A time in the past means at once, or that the item has to be read."""
        return self._attempts.room_at(users, lane)

    def state(self) -> GateState:
        """Read the gate's item. Raises `RetryLater` when DynamoDB does not respond."""
        return state_of(self._read(), self._quota, self._clock())

    def open(self) -> bool:
        """Open the gate on an operator's order, whatever closed it. Return False when another change came first."""
        return self._change(open_request(self._read().epoch, self._clock()))

    def probe_now(self, reason: str) -> bool:
        """Make the next call the probe if the gate is closed for this reason. Return whether it was changed."""
        copy, now = self._read(), self._clock()
        waits = copy.closed_reason == reason and copy.closed_until > now and not copy.probing
        return waits and self._change(probe_request(copy.epoch, now))

    def _read(self) -> Snapshot:
        return self._or_retry_later(self._attempts.refresh)

    def _change(self, request: Request) -> bool:
        return self._or_retry_later(lambda: self._attempts.change(request))

    def _or_retry_later(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except NoResponse:
            raise RetryLater(self._clock() + self._quota.slot, UNANSWERED) from None


if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class WorkspaceGates:
    """The gates of all configured workspaces, each made once per process."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        workspaces: Mapping[str, Workspace],
        clock: Clock,
        sleep: Sleep,
        *,
        observe: Observe = ignore,
        jitter: Callable[[], float] = random.random,
        steady: Clock = raw_clock,
    ) -> None:
        self._table = partial(GateTable, client, table_name, clock=clock, steady=steady)
        self._gate = partial(QuotaGate, clock=clock, sleep=sleep, observe=observe, jitter=jitter)
        self._workspaces = workspaces
        self._made: dict[str, QuotaGate] = {}

    def of(self, workspace: str) -> QuotaGate:
        """Return the named workspace's gate. Raises `UnknownWorkspace`, before anything is requested."""
        if workspace not in self._workspaces:
            raise UnknownWorkspace(workspace)
        if workspace not in self._made:
            quota = self._workspaces[workspace].quota
            self._made[workspace] = self._gate(self._table(workspace, quota), quota)
        return self._made[workspace]
