"""One partner's large lookups do not keep others' from being collected; a function that dies is followed soon."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from infra.stage_settings.concurrency import COLLECTIONS_AT_ONCE
from lookup.bulk.queues import Delivery
from lookup.collection.collection_result import Busy, Done, Held
from lookup.collection.collector import Collector
from lookup.collection.part_objects import PartObjects
from lookup.collection.pulse import LIFE, Hide, Pulse
from lookup.collection.queue import ResultsQueue
from lookup.collection.upload import Uploads
from lookup.collection.worker import CollectionWorker
from lookup.ledger.collecting.collection_slots import LARGE, PLACES, CollectionSlots
from lookup.ledger.collecting.collections import CollectionState
from lookup.ledger.items import lookup_key
from lookup.model import Status
from lookup.wiring.collection import WRITERS
from tests.lookup.collection.exporting import Exporting
from tests.lookup.collection.world import World, outcome
from tests.lookup.stage import Stage


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def collector_of(world: World, slots: CollectionSlots) -> Collector:
    bucket = world.stage.settings.bucket_name
    return Collector(
        ledger=world.lookups,
        collections=world.collections,
        parts=PartObjects(world.stage.s3, bucket, world.collections),
        uploads=Uploads(world.stage.s3, bucket),
        writers=WRITERS,
        publish=lambda progress, one: world.ready_published.append((progress.spec.lookup_id, one.files)),
        keeps_profiles=lambda _: True,
        clock=world.clock,
        slots=slots,
    )


def ended(world: World, lookup_id: str, *, counted: int | None = None) -> None:
    """End a lookup of one identifier, of which the ledger counts so many."""
    spec = world.begin(lookup_id)
    world.arrive(spec, 1, [outcome("C-1", Status.FOUND, at=world.clock())])
    world.end(spec)
    if counted is not None:
        key, values = lookup_key(lookup_id, "counts"), {"counted": counted}
        world.table.update_item(key, "SET #requested = :counted", values)


def test_some_functions_are_left_for_small_lookups() -> None:
    """Large lookups of all partners together have fewer places than there are functions."""
    assert 1 <= PLACES < COLLECTIONS_AT_ONCE


def test_a_partner_has_one_place(world: World) -> None:
    """Of one partner one large collection is under way, of all of them `PLACES`; what ends makes room."""
    slots, until = CollectionSlots(world.table), world.clock() + 900
    assert slots.take("acme", "l-1", until=until)
    assert not slots.take("acme", "l-2", until=until)
    assert slots.take("acme", "l-1", until=until)  # whoever goes on with the same
    others = [slots.take(f"partner-{number}", f"l-{number}", until=until) for number in range(PLACES)]
    assert others == [True] * (PLACES - 1) + [False]
    slots.release("acme", "l-2")
    assert not slots.take("late", "l-9", until=until)
    slots.release("acme", "l-1")
    assert slots.take("late", "l-9", until=until)


def test_a_place_of_a_function_that_died_is_free_in_the_end(world: World) -> None:
    """A place that nobody gave back is free when its time is over."""
    slots = CollectionSlots(world.table, places=1)
    assert slots.take("acme", "l-1", until=world.clock() + 900)
    world.clock.now += 899
    assert not slots.take("other", "l-2", until=world.clock() + 900)
    world.clock.now += 1
    assert slots.take("other", "l-2", until=world.clock() + 900)


def test_places_are_exact_under_contention(world: World) -> None:
    """Of many that ask at once as many get a place as there are."""
    slots, until = CollectionSlots(world.table, places=2), world.clock() + 900
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda number: slots.take(f"partner-{number}", "l", until=until), range(6)))
    assert sum(taken) == 2


def test_small_lookups_pass_large_ones(world: World) -> None:
    """While large lookups have every place, small ones of all partners are collected; a large one waits."""
    slots = CollectionSlots(world.table, places=1)
    slots.take("bulky", "elsewhere", until=world.clock() + 900)
    collector, until = collector_of(world, slots), world.clock() + 900
    ended(world, "small")
    ended(world, "large", counted=LARGE)
    assert isinstance(collector.collect("large", until=until), Busy)
    assert world.collections.read("large") is None
    assert isinstance(collector.collect("small", until=until), Done)
    assert world.collected("small").state is CollectionState.READY
    slots.release("bulky", "elsewhere")
    assert isinstance(collector.collect("large", until=until), Done)
    assert world.collected("large").reason == "counts_differ"  # it was worked on, and its place is free again
    assert slots.take("bulky", "elsewhere", until=until)


class Served:
    """A worker over the results queue, and a message on it."""

    def __init__(self, world: World, body: object) -> None:
        settings = world.stage.settings
        self.url = settings.results_queue_url or ""
        self.sqs = world.stage.sqs
        self.slots = CollectionSlots(world.table, places=1)
        queue = ResultsQueue(self.sqs, self.url, settings.results_dead_letter_queue_url, world.clock)
        pulse = partial(_pulse, world)
        self.worker = CollectionWorker(collector_of(world, self.slots), Exporting(world).exporter, queue, pulse)
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))
        (message,) = self.sqs.receive_message(QueueUrl=self.url)["Messages"]
        self.delivery = Delivery("m-1", message["Body"], message["ReceiptHandle"], 1, world.clock(), "results")


def _pulse(world: World, hide: Hide) -> Pulse:
    return Pulse(hide, world.collections.beat, world.clock)


def test_a_large_lookup_waits_in_a_new_message(world: World) -> None:
    """What waits for a place is sent again for later and done, so that it may wait as often as it must."""
    ended(world, "large", counted=LARGE)
    served = Served(world, {"lookup_id": "large"})
    served.slots.take("bulky", "elsewhere", until=world.clock() + 900)
    assert served.worker.serve([served.delivery], until=world.clock() + 900) == []
    attributes = served.sqs.get_queue_attributes(QueueUrl=served.url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_claim_lives_as_long_as_its_function(world: World) -> None:
    """A claim that is kept alive holds; once nothing beats for it another function takes over, long before its time."""
    ended(world, "l-1")
    progress, start = world.ended("l-1"), world.clock()
    claim = world.collector._claimed(progress, start + 880)  # noqa: SLF001 - a function that is at it
    assert not isinstance(claim, Held | Done)
    pulse = Pulse(lambda _: None, world.collections.beat, world.clock)
    pulse.claimed("l-1", claim.token)
    world.clock.now += LIFE - 1
    pulse.beat()
    world.clock.now += LIFE - 1
    held = world.collect("l-1")
    assert isinstance(held, Held)
    assert held.until == start + 2 * LIFE - 1
    world.clock.now += 1
    assert isinstance(world.collect("l-1"), Done)
    pulse.beat()  # of the one that was taken over: it changes nothing
    assert world.collected("l-1").state is CollectionState.READY


def test_a_message_is_hidden_while_its_function_lives(world: World) -> None:
    """Each beat hides the message for a minute and a half; errors of AWS stop neither the work nor the next beat."""
    hidden: list[float] = []

    def hide(seconds: float) -> None:
        hidden.append(seconds)
        raise world.stage.sqs.exceptions.ClientError(
            {"Error": {"Code": "ServiceUnavailable"}}, "ChangeMessageVisibility"
        )

    with Pulse(hide, world.collections.beat, world.clock) as pulse:
        pulse.claimed("l-1", "nobody's")
    assert hidden == [LIFE, LIFE]
    assert world.collections.read("l-1") is None
