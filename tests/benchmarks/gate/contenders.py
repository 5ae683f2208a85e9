"""The contenders. Each makes a limiter per caller from what its process shares."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import boto3
from pyrate_limiter import Limiter as PyrateLimiter
from pyrate_limiter import Rate

from lookup.errors import RetryLater, VendorError
from lookup.gate.limiter import QuotaGate, WorkspaceGates, gate_client
from lookup.model import Lane
from lookup.quota import Quota
from lookup.settings import Workspace
from tests.benchmarks.gate.caller import Leave, Limiter
from tests.benchmarks.gate.meter import Meter, Stopped
from tests.benchmarks.gate.plan import MAX_WAIT, Plan
from tests.benchmarks.gate.token_bucket import TokenBucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

CALLERS_PER_CLIENT = 10  # as many as a client keeps connections
WARM_UP = "warm-up"  # a workspace that every client requests once, so that no measured call is its first


@dataclass(frozen=True, slots=True)
class Shared:
    """What the callers of one process share."""

    plan: Plan
    meter: Meter
    session: boto3.Session
    table: str
    chance: random.Random


class ThisGate:
    """The gate of this project."""

    def __init__(self, gate: QuotaGate, plan: Plan) -> None:
        self._gate = gate
        self._plan = plan

    def admit(self, users: int, lane: Lane) -> Leave:
        """See `Limiter.admit`."""
        wait_until = time.time() + self._plan.real(MAX_WAIT[lane.value])
        grant = self._gate.admit(users, lane=lane, wait_until=wait_until)
        return Leave(grant.users, grant.not_after, grant)

    def report(self, leave: Leave, fault: VendorError | None) -> None:
        """See `Limiter.report`."""
        assert leave.grant is not None
        self._gate.report(leave.grant, fault)


class NoLimiter:
    """Every caller sends at once; the shared retry code backs off after a 429."""

    def admit(self, users: int, _: Lane) -> Leave:
        """See `Limiter.admit`."""
        return Leave(users, inf)

    def report(self, _: Leave, __: VendorError | None) -> None:
        """There is nothing to learn."""


class MovingWindow(NoLimiter):
    """`pyrate-limiter`: an exact moving window in this process's memory, for all its callers."""

    def __init__(self, limiter: PyrateLimiter, meter: Meter) -> None:
        self._limiter = limiter
        self._meter = meter

    def admit(self, users: int, _: Lane) -> Leave:
        """See `Limiter.admit`."""
        with self._meter.waiting():
            try:
                self._limiter.try_acquire("users", weight=users, timeout=max(self._meter.left(), 0.0))
            except TimeoutError:
                raise Stopped from None
        return Leave(users, inf)


def _this(shared: Shared) -> Callable[[], Limiter]:
    clients: list[DynamoDBClient] = []
    made = itertools.count()

    def limiter() -> Limiter:
        if next(made) % CALLERS_PER_CLIENT == 0:
            clients.append(gate_client(shared.session))
            shared.meter.watch(clients[-1])
            with suppress(RetryLater):
                _gate(shared, clients[-1], WARM_UP).admit(1, lane=Lane.ON_DEMAND, wait_until=inf)
        return ThisGate(_gate(shared, clients[-1], "default"), shared.plan)

    return limiter


def _gate(shared: Shared, client: DynamoDBClient, workspace: str) -> QuotaGate:
    """Return a gate of a workspace of its own for each caller: functions share nothing but the item."""
    workspaces = {workspace: Workspace("none", quota=shared.plan.quota)}
    meter, jitter = shared.meter, shared.chance.random
    gates = WorkspaceGates(
        client, shared.table, workspaces, time.time, meter.sleep, observe=meter.observe, jitter=jitter
    )
    return gates.of(workspace)


def _none(_: Shared) -> Callable[[], Limiter]:
    return NoLimiter


def _moving_window(share: float) -> Callable[[Shared], Callable[[], Limiter]]:
    def build(shared: Shared) -> Callable[[], Limiter]:
        quota = shared.plan.quota
        rate = Rate(int(quota.limit * share), int(quota.window * 1000))
        limiter = PyrateLimiter(rate, buffer_ms=max(1, int(50 / shared.plan.factor)))  # its default of 50 ms, scaled
        return lambda: MovingWindow(limiter, shared.meter)

    return build


def _token_bucket(shared: Shared) -> Callable[[], Limiter]:
    bucket = TokenBucket(shared.table, shared.plan, shared.meter, shared.chance)
    return lambda: bucket


def burst_of_limit(quota: Quota) -> tuple[int, int]:
    """A full bucket holds the whole limit and refills at the quota's rate: what the limit reads like."""
    return quota.limit, quota.limit


def small_burst(quota: Quota) -> tuple[int, int]:
    """Two payloads at most at once, and as much less refill: by itself never over the limit in any window."""
    return 40, quota.limit - 40


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to keep to a quota. `bucket` gives the token bucket's capacity and its refill in a window."""

    name: str
    title: str
    build: Callable[[Shared], Callable[[], Limiter]]
    bucket: Callable[[Quota], tuple[int, int]] | None = None


THIS = Contender("this", "this gate", _this)
CONTENDERS: Mapping[str, Contender] = {
    contender.name: contender
    for contender in (
        THIS,
        # In the order of measurement, three at once: those that load DynamoDB are not measured beside each other.
        Contender("no_limiter", "no limiter, jittered back-off", _none),
        Contender("pyrate_limiter", "pyrate-limiter, whole quota per process", _moving_window(1.0)),
        Contender("zae_limiter_burst_limit", "zae-limiter, burst = limit", _token_bucket, burst_of_limit),
        Contender("pyrate_limiter_fifth", "pyrate-limiter, a fifth per process", _moving_window(0.2)),
        Contender("zae_limiter_small_burst", "zae-limiter, burst of 40", _token_bucket, small_burst),
    )
}
