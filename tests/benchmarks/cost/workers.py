"""How long functions run while a roster is looked up at the quota's pace: the real gate, in time that is simulated.

A worker serves a part as `on_queue` does: it waits for the gate before each call, and waiting inside a function costs.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from infra.stage_settings.workers import workers_for
from lookup.bulk.feeder import QUEUE_SECONDS
from lookup.errors import RetryLater
from lookup.gate.limiter import GateEvent, QuotaGate
from lookup.model import PART_LIMIT, PAYLOAD_LIMIT, Clock, Lane
from lookup.quota import Quota
from tests.lookup.gate.world import World

LATENCY = 0.25  # seconds of a vendor call; the vendor promises none
SETTLING = 120.0  # seconds until the window is full for the first time
MAX_WAIT = 50.0  # seconds that a worker waits for the gate
POLL = 0.1  # seconds until the event source has seen a message


@dataclass
class Workers:
    """Workers over one parts queue. `work` is what a part costs beside gate and vendor, in seconds."""

    world: World
    work: float
    workers: int

    def __post_init__(self) -> None:
        self.waiting: list[float] = []  # when each part on the queue may be received
        self.seconds = self.parts = 0.0
        self.since = self.world.time.now + SETTLING

    def feed(self, delay: float = 0.0) -> None:
        heapq.heappush(self.waiting, self.world.time.now + delay)

    def worker(self) -> None:
        gate, clock = self.world.process()
        while True:
            if not self.waiting or self.waiting[0] > self.world.time.now:
                self.world.time.sleep(POLL)
                continue
            heapq.heappop(self.waiting)
            started = self.world.time.now
            self._serve(gate, clock)
            if started >= self.since:
                self.seconds += self.world.time.now - started
                self.parts += 1
            self.feed()

    def _serve(self, gate: QuotaGate, clock: Clock) -> None:
        left, share = PART_LIMIT, self.work / (PART_LIMIT / PAYLOAD_LIMIT + 1)
        self.world.time.sleep(share)
        while left:
            try:
                grant = gate.admit(min(left, PAYLOAD_LIMIT), lane=Lane.BULK, wait_until=clock() + MAX_WAIT)
            except RetryLater as refusal:
                self.world.time.sleep(max(refusal.retry_at - clock(), 0.0))
                continue
            self.world.send(gate, grant)
            left -= grant.users
            self.world.time.sleep(share)


@dataclass(frozen=True, slots=True)
class Shift:
    """What a part took at the quota's pace: seconds of function, requests at the gate; `used` is of the quota."""

    seconds: float
    gate_requests: float
    used: float


def shift(*, work: float, quota: Quota | None = None, minutes: float = 30.0, seed: int = 7) -> Shift:
    """Measure one part while the deployed number of workers serves an endless roster."""
    quota = quota or Quota()
    world = World(seed=seed, quota=quota, latency=LATENCY)
    team = Workers(world, work, workers_for([quota]))
    for _ in range(round(QUEUE_SECONDS * quota.limit / quota.window / PART_LIMIT)):
        team.feed()
    for _ in range(team.workers):
        world.time.spawn(team.worker)
    world.time.run(SETTLING + minutes * 60)
    requested = world.seen[GateEvent.GATE_REQUEST, Lane.BULK]
    parts = sum(users for _, _, users in world.granted) / PART_LIMIT
    return Shift(team.seconds / team.parts, requested / parts, world.share_used(team.since))
