"""Competing lookups in virtual time: real feeder, ledger and gate; a queue, workers and a vendor that wait for none.

No figure depends on the machine. What a worker gives back is hidden as long as SQS would hide it, and is worked off to
where it was left, as a part's stored profiles are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lookup.bulk.completion import LookupCompletion
from lookup.bulk.feeder import Feeder, FeedingSteps
from lookup.bulk.intake.share import IntakeShare
from lookup.bulk.queues import Queues, hidden_seconds
from lookup.errors import RetryLater
from lookup.gate.limiter import QuotaGate
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupSpec
from lookup.ledger.parts import Counted, PartLedger
from lookup.ledger.table import LedgerTable
from lookup.ledger.transitions import Transitions
from lookup.model import PAYLOAD_LIMIT, Identifier, Lane, Outcome, Part, Status
from lookup.quota import Quota
from lookup.rosters.reader import RosterReader
from lookup.rosters.store import RosterStore
from tests.benchmarks.feeder.workers import MAX_WAIT
from tests.lookup.gate.world import World
from tests.lookup.stage import Stage

POLL = 0.2  # seconds between two looks at an empty queue
LOOK = 2.0  # seconds between two looks at the ledger


@dataclass
class Waiting:
    """A part on the queue: hidden until a time, delivered so often, with so many users left."""

    part: Part
    left: list[Identifier]
    until: float = 0.0
    received: int = 0


@dataclass
class Batch:
    """Messages of the intake queue that a function gets at once: hidden until a time, with so many users left."""

    left: int
    until: float = 0.0
    received: int = 0


class VirtualQueue(Queues):
    """The parts queue in memory."""

    def __init__(self, stage: Stage, world: World) -> None:
        super().__init__(stage.sqs, stage.settings, world.time.clock)
        self.waiting: list[Waiting] = []

    def send(self, parts: Iterable[Part]) -> int:
        """Put parts on the queue; return how many."""
        new = [Waiting(part, list(part.identifiers)) for part in parts]
        self.waiting += new
        return len(new)

    def receive(self, now: float) -> Waiting | None:
        """Take the first part that is not hidden."""
        found = next((one for one in self.waiting if one.until <= now), None)
        if found is not None:
            self.waiting.remove(found)
            found.received += 1
        return found


class VirtualStage:
    """One stage in virtual time."""

    def __init__(self, stage: Stage, quota: Quota, seed: int) -> None:
        self.world = World(seed, quota)
        clock, sleep = self.world.time.clock, self.world.time.sleep
        workspace = replace(stage.settings.workspaces["default"], quota=quota)
        self.stage = replace(stage, settings=replace(stage.settings, workspaces={"default": workspace}))
        table = LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=sleep)
        self.ledger, self.parts = LookupLedger(table), PartLedger(table)
        self.queue, feed = VirtualQueue(self.stage, self.world), FeedingLedger(table, self.ledger.shares)
        states = Transitions(table, self.ledger)
        self.ending = LookupCompletion(ledger=self.ledger, states=states, publish=lambda _: None, clock=clock)
        self.feeder = Feeder(
            ledger=self.ledger,
            feed=feed,
            steps=FeedingSteps(feed, RosterReader(stage.s3, stage.settings.bucket_name)),
            ending=self.ending,
            queues=self.queue,
            settings=self.stage.settings,
            is_closed=lambda _: False,
            clock=clock,
        )
        self.intake = IntakeShare(
            self.ledger,
            table,
            self.stage.settings.workspaces,
            clock=clock,
            sleep=sleep,
            jitter=self.world.random.random,
        )
        self.batches: list[Batch] = []
        self.from_intake = 0
        self.samples: list[tuple[float, Mapping[str, int]]] = []

    @cached_property
    def rosters(self) -> RosterStore:
        """The store of rosters."""
        return RosterStore(self.stage.s3, self.stage.settings.bucket_name)

    def submit(self, lookup_id: str, users: int, *, weight: int) -> None:
        """Submit a lookup of a partner of its own."""
        key = f"rosters/bench/{lookup_id}"
        body = "customer_id\n" + "".join(f"{lookup_id}-{number}\n" for number in range(users))
        self.stage.s3.put_object(Bucket=self.stage.settings.bucket_name, Key=key, Body=body.encode())
        now = self.world.time.now
        self.ledger.submit(LookupSpec(lookup_id, "default", lookup_id, now, self.rosters.pin(key), weight=weight))

    def run(self, workers: Sequence[Callable[[], None]], names: list[str], *, seconds: float) -> None:
        """Run workers and the tick, and look at these lookups, for so long."""
        for job in (*workers, self.tick, lambda: self.watch(names)):
            self.world.time.spawn(job)
        self.world.time.run(seconds)

    def work(self) -> None:
        """Serve the queue, as a function's instance does."""
        gate, clock = self.world.process()
        while True:
            if (one := self.queue.receive(self.world.time.now)) is None:
                self.world.time.sleep(POLL)
            elif (retry_at := self._served(gate, one, clock() + MAX_WAIT)) is None:
                self.parts.count_completed(
                    [Counted(one.part, [Outcome(who, Status.FOUND) for who in one.part.identifiers])], "results/none"
                )
                self.ending.finish_if_done(one.part.lookup_id)
                self.feeder.feed("default")
            else:
                one.until = self.world.time.now + hidden_seconds(one.received, retry_at - clock())
                self.queue.waiting.append(one)

    def _served(self, gate: QuotaGate, one: Waiting, until: float) -> float | None:
        """Request the part's users; return when to try again if time runs out."""
        while one.left:
            try:
                grant = gate.admit(min(len(one.left), PAYLOAD_LIMIT), lane=Lane.BULK, wait_until=until)
            except RetryLater as refusal:
                return refusal.retry_at
            self.world.send(gate, grant)
            one.left = one.left[grant.users :]
        return None

    def work_intake(self) -> None:
        """Serve the intake queue, in its turn among the partners."""
        gate, clock = self.world.process()
        while True:
            batch = next((one for one in self.batches if one.until <= self.world.time.now), None)
            if batch is None:
                self.world.time.sleep(POLL)
                continue
            self.batches.remove(batch)
            batch.received += 1
            if (retry_at := self._served_in_turns(gate, batch, clock() + MAX_WAIT)) is not None:
                batch.until = self.world.time.now + hidden_seconds(batch.received, retry_at - clock())
                self.batches.append(batch)

    def _served_in_turns(self, gate: QuotaGate, batch: Batch, until: float) -> float | None:
        """Request the batch's users in the intake queue's turns; return when to try again if time runs out."""
        with self.intake.turns("default") as turns:
            while batch.left:
                try:
                    most = turns.turn(gate, min(batch.left, PAYLOAD_LIMIT), batch.left, until)
                    grant = gate.admit(most, lane=Lane.BULK, wait_until=until)
                except RetryLater as refusal:
                    return refusal.retry_at
                turns.sent(grant.users)
                self.world.send(gate, grant)
                batch.left -= grant.users
                self.from_intake += grant.users
        return None

    def tick(self) -> None:
        """Feed, as the schedule does every minute."""
        while True:
            self.feeder.feed("default")
            self.world.time.sleep(60)

    def watch(self, names: list[str]) -> None:
        """Look at the ledger now and then."""
        started = self.world.time.now
        while True:
            served = {one.spec.lookup_id: one.tally.counts.requested for one in self.ledger.get_many(names)}
            if self.from_intake:
                served["first"] = self.from_intake
            self.samples.append((self.world.time.now - started, served))
            self.world.time.sleep(LOOK)
