"""Erasures while lookups of the same people run, and whoever works is killed at random: nobody is left, nobody lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from lookup.collection.collection_result import Done
from lookup.erasure.requests import ErasureRequests
from lookup.ledger.erasures import ErasureState
from lookup.ledger.parts import DeliveredPart
from lookup.model import Part
from tests.lookup.erasure.killed import Death, Killed
from tests.lookup.erasure.world import ErasureWorld
from tests.lookup.services import customer
from tests.lookup.stage import Stage

ACTIONS = 60
LOOKUPS = ("l-1", "l-2", "l-3")
NAMES = [f"name{number:02}x" for number in range(16)]
VICTIMS = NAMES[::4]


class Chaos:
    """Does things in an order that the seed decides, and ends some of them in the middle."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = ErasureWorld(stage)
        self.waiting: list[Part] = []
        self.seen: list[Part] = []
        self.left = list(VICTIMS)
        self.begun: list[str] = []
        self.killed = 0
        for lookup_id in LOOKUPS:
            names = self.random.sample(NAMES, len(NAMES))
            roster = self.world.roster("".join(f"{name}\n" for name in names).encode(), f"rosters/acme/{lookup_id}")
            self.world.references.add_lookup(self.world.submit(lookup_id, roster))

    def go(self) -> None:
        """Do things, a third of which end in the middle."""
        actions = (self.feed, self.work, self.work_again, self.collect, self.begin, self.search, self.wait)
        for _ in range(ACTIONS):
            self.try_(
                self.random.choice(actions), self.random.randrange(1, 30) if self.random.random() < 0.35 else None
            )

    def try_(self, action: Callable[[], None], moment: int | None) -> None:
        if moment is None:
            action()
            return
        death, clients = Death(moment), (self.world.stage.s3, self.world.stage.dynamodb)
        for client in clients:
            events: Any = client.meta.events
            events.register("before-send", death.before)
            events.register("after-call", death.after)
        try:
            action()
        except Killed:
            self.killed += 1
        finally:
            for client in clients:
                client.meta.events.unregister("before-send", death.before)
                client.meta.events.unregister("after-call", death.after)

    def feed(self) -> None:
        self.world.feeder.feed("default")
        self.take()

    def take(self) -> None:
        taken = self.world.taken()
        self.waiting += taken
        self.seen += taken

    def work(self) -> None:
        if self.waiting:
            part = self.waiting[0]
            self.world.parts.process([DeliveredPart(part, redelivered=True)], until=self.world.clock() + 60)
            self.waiting.remove(part)
            self.world.ending.finish_if_done(part.lookup_id)

    def work_again(self) -> None:
        if self.seen:
            part = self.random.choice(self.seen)
            self.world.parts.process([DeliveredPart(part, redelivered=True)], until=self.world.clock() + 60)

    def collect(self) -> None:
        self.world.collect(self.random.choice(LOOKUPS))

    def begin(self) -> None:
        if self.left:
            requests: ErasureRequests = self.world.erasing.requests
            self.begun.append(requests.begin("acme", "default", [customer(self.left[-1])]).erasure_id)
            self.left.pop()

    def search(self) -> None:
        if self.world.erasing.steps.sent:
            step = self.world.erasing.steps.sent[0]
            try:
                self.world.erasing.serve_one()
            except Killed:
                self.world.erasing.steps.send(step)
                raise

    def wait(self) -> None:
        self.world.clock.now += self.random.choice((1, 40, 400, 1200))

    def finish(self) -> None:
        """Let everything come to its end, without any more accidents."""
        while self.left:
            self.begin()
        for _ in range(30):
            self.world.clock.now += 61
            self.feed()
            self.work_all()
        for lookup_id in LOOKUPS:
            while not isinstance(self.world.collect(lookup_id), Done):
                self.world.clock.now += 1000
        self.world.erasing.finish()
        for _ in range(200):
            if self.world.erasing.steps.sent:
                self.world.erasing.serve_one()

    def work_all(self) -> None:
        while self.waiting:
            self.work()
        for lookup_id in LOOKUPS:
            self.world.ending.finish_if_done(lookup_id)


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_left_and_nobody_else_lost(stage: Stage, seed: int) -> None:
    """At the end no store holds the erased people, and every lookup has each of the others as MoEngage has them."""
    chaos = Chaos(stage, seed)
    chaos.go()
    chaos.finish()
    world = chaos.world
    assert chaos.killed > 1
    assert {world.erasing.requests.read("acme", one).state for one in chaos.begun} == {ErasureState.COMPLETED}
    for name in VICTIMS:
        assert world.places_of(name) == []
    others, outcomes = {name for name in NAMES if name not in VICTIMS}, dict[str, set[str]]()
    for lookup_id in LOOKUPS:
        progress = world.ended(lookup_id)
        counts = progress.tally.counts
        assert counts.requested == counts.found + counts.not_found + counts.invalid + counts.failed == len(NAMES)
        records = world.records(lookup_id=lookup_id)
        assert {one["identifier"] for one in records if one["identifier"]} == others
        assert len(records) == len(NAMES)
        for one in [record for record in records if record["identifier"]]:
            outcomes.setdefault(one["identifier"], set()).add(one["outcome"])
            assert (one["outcome"] == "found") is (one["user_attributes"] is not None)
        assert world.manifest(lookup_id)["counts"] == counts.to_json()
    assert {len(found) for found in outcomes.values()} == {1}
