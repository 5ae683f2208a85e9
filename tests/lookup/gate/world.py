"""A model of all that is around the gate: DynamoDB at a distance, a strict vendor, processes with their own clocks."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, cast

from lookup.errors import RetryLater, VendorThrottled
from lookup.gate.limiter import GateEvent, Grant, Observation, QuotaGate
from lookup.gate.table import GateTable
from lookup.model import PART_LIMIT, PAYLOAD_LIMIT, Clock, Lane
from lookup.quota import Quota
from tests.lookup.gate.fake_table import FakeTable
from tests.lookup.gate.virtual_time import VirtualTime

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class StrictVendor:
    """Counts users in a true sliding window and refuses what is over it. A refused call is not counted."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._calls: deque[tuple[float, int]] = deque()
        self._in_window = 0
        self.accepted: list[tuple[float, int]] = []
        self.refusals = 0

    def accept(self, users: int, at: float) -> bool:
        while self._calls and self._calls[0][0] <= at - self._quota.window:
            self._in_window -= self._calls.popleft()[1]
        if self._in_window + users > self._quota.limit:
            self.refusals += 1
            return False
        self._calls.append((at, users))
        self._in_window += users
        self.accepted.append((at, users))
        return True


class DistantTable:
    """The fake table at a distance; it serves one request after the other when serving takes any time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._free_at = 0.0

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            world = self._world
            world.time.sleep(world.one_way())
            self._free_at = max(self._free_at, world.time.now) + world.serving
            world.time.sleep(self._free_at - world.time.now)
            try:
                return getattr(world.table, operation)(**request)
            finally:
                world.time.sleep(world.one_way())

        return call


@dataclass
class World:
    """One run of the model. `waits` are on-demand waits for the gate, `turned_away` who got no grant.

    Seconds: skew of clocks, the vendor's latency, the mean round trip to DynamoDB, and its serving of one request.
    """

    seed: int
    quota: Quota = field(default_factory=Quota)
    skew: float = 0.1
    latency: float = 0.25
    round_trip: float = 0.008
    serving: float = 0.0
    is_steady: bool = True
    time: VirtualTime = field(default_factory=VirtualTime)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.table = FakeTable(self.time.clock)
        self._distant = DistantTable(self)
        self.vendor = StrictVendor(self.quota)
        self.throttled = 0
        self.seen: Counter[tuple[GateEvent, Lane | None]] = Counter()
        self.granted: list[tuple[float, Lane, int]] = []
        self.waits: list[float] = []
        self.turned_away = 0

    def process(self, offset: float | None = None) -> tuple[QuotaGate, Clock]:
        """Return a process's gate and its own clock."""
        if offset is None:
            offset = self.random.uniform(-self.skew, self.skew)
        clock = lambda: self.time.now + offset  # noqa: E731 - a clock is a function
        steady = self.time.clock if self.is_steady else lambda: 0.0
        table = GateTable(cast("DynamoDBClient", self._distant), "ledger", "default", self.quota, clock, steady)
        gate = QuotaGate(
            table, self.quota, clock=clock, sleep=self.time.sleep, observe=self._observe, jitter=self.random.random
        )
        return gate, clock

    def one_way(self) -> float:
        return self.round_trip / 2 * self.random.uniform(0.5, 1.5)

    def work(self, users: int | None = None, *, lane: Lane = Lane.BULK, offset: float | None = None) -> None:
        """Run a worker: endless work, or so many users, in parts as they lie on the queue."""
        gate, clock = self.process(offset)
        for size in self._parts(users):
            self._ask_all(gate, clock, lane, size)

    def arrive(self, rate: float, users: int = 1, processes: int = 8) -> None:
        """Start on-demand callers at random, so many a second."""
        pool = [self.process() for _ in range(processes)]
        while True:
            self.time.sleep(self.random.expovariate(rate))
            self.time.spawn(lambda: self.ask_on_demand(*self.random.choice(pool), users))

    def ask_on_demand(self, gate: QuotaGate, clock: Clock, users: int) -> None:
        started = self.time.now
        try:
            grant = gate.admit(users, lane=Lane.ON_DEMAND, wait_until=clock() + 300)
        except RetryLater:
            self.turned_away += 1
            return
        self.waits.append(self.time.now - started)
        self.send(gate, grant)

    def share_used(self, since: float) -> float:
        """Return the share of the vendor's quota that was accepted since a time."""
        users = sum(users for at, users in self.vendor.accepted if at >= since)
        return users / (self.quota.limit * (self.time.now - since) / self.quota.window)

    def requests_per_bulk_payload(self) -> float:
        return self.seen[GateEvent.GATE_REQUEST, Lane.BULK] / sum(lane is Lane.BULK for _, lane, _ in self.granted)

    def _parts(self, users: int | None) -> Iterator[int]:
        while users is None:
            yield PART_LIMIT
        for start in range(0, users, PART_LIMIT):
            yield min(PART_LIMIT, users - start)

    def _ask_all(self, gate: QuotaGate, clock: Clock, lane: Lane, users: int) -> None:
        while users:
            try:
                grant = gate.admit(min(users, PAYLOAD_LIMIT), lane=lane, wait_until=clock() + 20)
            except RetryLater as refusal:
                self.time.sleep(refusal.retry_at - clock())
                continue
            self.send(gate, grant)
            users -= grant.users

    def send(self, gate: QuotaGate, grant: Grant) -> None:
        self.granted.append((self.time.now, grant.lane, grant.users))
        transit = self.random.uniform(0.2, 0.4) * self.latency
        self.time.sleep(transit)
        accepted = self.vendor.accept(grant.users, self.time.now)
        self.time.sleep(self.latency * self.random.uniform(0.8, 1.2) - transit)
        self.throttled += not accepted
        gate.report(grant, None if accepted else VendorThrottled("quota", retry_at=None))

    def _observe(self, observation: Observation) -> None:
        self.seen[observation.event, observation.lane] += 1
