"""Erasures whose function is killed, whose messages come twice, and that meet who writes at the same time."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest

from lookup.collection.collection_result import Unfinished
from lookup.collection.collector import SetLimits
from lookup.erasure.queue import ErasureStep
from lookup.erasure.worker import SEARCHES_MOST, Done, Later, Unknown
from lookup.ledger.erasures import ErasureState
from lookup.model import InvalidIdentifier, Outcome
from lookup.validation import WRONG_TYPE
from tests.lookup.erasure.killed import Killed, dying, dying_after_write
from tests.lookup.erasure.world import MINUTES, ErasureWorld
from tests.lookup.services import customer
from tests.lookup.stage import Stage

MOMENTS = (1, 14, 28, 43, 61, 78)
EXPECTED = {"profiles": 1, "parts": 1, "results": 6}


@pytest.fixture
def world(stage: Stage) -> ErasureWorld:
    return ErasureWorld(stage)


def test_killed_at_any_moment(world: ErasureWorld) -> None:
    """Wherever a function ends, the next delivery goes on: no copy is left, and the receipt counts each once."""
    names = [f"Person-{moment}." for moment in MOMENTS]
    for name in names:
        world.store(name, {"customer_id": name})
    world.lookup("l-1", names)
    world.collect("l-1")
    others = [one for one in world.records() if one["identifier"] not in names]
    deaths = 0
    for moment, name in zip(MOMENTS, names, strict=True):
        begun = world.erasing.begin(customer(name))
        step = world.erasing.steps.sent[-1]
        try:
            with dying(world.erasing, moment):
                world.erasing.serve_one()
        except Killed:
            deaths += 1
            world.erasing.steps.send(step)
        world.erasing.finish()
        ended = world.erasing.requests.read("acme", begun.erasure_id)
        assert ended.state is ErasureState.COMPLETED
        assert world.places_of(name) == []
        places = json.loads(world.body(ended.receipt or ""))["places"]
        former = [one for one in places if one["done"].startswith("version")]
        assert len(former) <= 1  # of an object that was replaced just before the end
        found = Counter[str]()
        for one in places:
            found[one["store"]] += 0 if one in former else one["records"]
        assert +found == EXPECTED
    assert deaths > len(MOMENTS) / 2
    assert [one for one in world.records() if one["reason"] != "erased"] == others
    assert world.manifest()["erased"] == len(MOMENTS)
    world.collect("l-1")
    assert len(world.records()) == 3 * len(MOMENTS)


def test_a_set_of_files_is_whole_wherever_it_was_interrupted(world: ErasureWorld) -> None:
    """Whichever object was written last before the end, files, manifest and ledger say the same in the end."""
    for write in range(1, 11):
        name, lookup_id = f"Person-{write}.", f"l-{write}"
        world.lookup(lookup_id, [name])
        world.collect(lookup_id)
        world.erasing.begin(customer(name))
        step = world.erasing.steps.sent[-1]
        try:
            with dying_after_write(world.erasing, write):
                world.erasing.serve_one()
        except Killed:
            world.erasing.steps.send(step)
        world.erasing.finish()
        assert world.places_of(name) == []
        manifest = world.manifest(lookup_id)
        assert manifest["erased"] == 1, write
        for file in manifest["files"]:
            body = world.body(file["key"])
            assert (file["bytes"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest()), (
                write,
                file["key"],
            )
        assert world.collected(lookup_id).bytes == sum(file["bytes"] for file in manifest["files"])


def test_a_step_that_comes_twice_is_done_once(world: ErasureWorld) -> None:
    """The second delivery of a step that is done sends the next one again, and nothing else; older ones do nothing."""
    world.store("Anna", {"customer_id": "Anna"})
    begun = world.erasing.begin(customer("Anna"))
    first = ErasureStep(begun.erasure_id, 0, (customer("Anna"),))
    eraser, until = world.erasing.eraser, world.clock() + MINUTES
    assert isinstance(eraser.serve(first, until=until), Done)
    sent = world.erasing.steps.sent[-1]
    assert isinstance(eraser.serve(first, until=until), Done)
    assert world.erasing.steps.sent[-1] == sent
    assert sent.step == 1
    world.erasing.finish()
    assert isinstance(eraser.serve(first, until=until), Done)
    assert world.erasing.steps.sent == []


def test_one_function_at_a_time(world: ErasureWorld) -> None:
    """While a function is at a step, another delivery of it waits until its time is over."""
    begun = world.erasing.begin(customer("Anna"))
    held = replace(begun, token="another", held_until=world.clock() + 300)
    assert world.erasing.erasures.write(held, seen=begun)
    came = world.erasing.eraser.serve(
        ErasureStep(begun.erasure_id, 0, (customer("Anna"),)), until=world.clock() + MINUTES
    )
    assert came == Later(300)
    fewer = world.erasing.eraser.serve(ErasureStep(begun.erasure_id, 0, ()), until=world.clock() + MINUTES)
    assert isinstance(fewer, Unknown)


def test_a_long_search_goes_on_where_it_was(world: ErasureWorld) -> None:
    """A search without time left goes on by a message to itself, and finds what one in one go does."""
    world.store("Anna", {"customer_id": "Anna"})
    world.lookup("l-1", ["Anna"])
    world.collect("l-1")
    begun = world.erasing.begin(customer("Anna"))
    for _ in range(40):
        step = world.erasing.steps.take()
        came = world.erasing.eraser.serve(step, until=world.clock() - 1)
        if isinstance(came, Later):
            world.clock.now += came.seconds
            world.erasing.steps.send(step)
        if world.erasing.state(begun) is ErasureState.COMPLETED:
            break
    assert world.places_of("Anna") == []
    found = json.loads(world.body(world.erasing.requests.read("acme", begun.erasure_id).receipt or ""))["found"]
    assert found == EXPECTED


def test_a_collection_that_was_under_way_is_waited_for(stage: Stage) -> None:
    """Files begun from records that were read before the search are unfinished uploads: they are searched once done."""
    world = ErasureWorld(stage)
    spec = world.begin("l-1")
    names = [f"{letter}na" for letter in "ABCDEF"]
    for number, name in enumerate(names, 1):
        world.arrive(spec, number, [world.user(name)])
    world.end(spec)
    world.collector._limits = SetLimits(records=2)  # noqa: SLF001 - sets of two, so that one invocation is too short
    world.collector._uploads.begin = world.slow_uploads(world.collector._uploads.begin)  # type: ignore[method-assign,assignment]  # noqa: SLF001 - time goes by
    assert isinstance(world.collect("l-1", seconds=300), Unfinished)
    assert world.uploads_left() > 0
    begun = world.erasing.begin(customer("Ana"))
    world.erasing.serve_one()
    for _ in range(3):
        world.erasing.serve_one()
        assert world.erasing.state(begun) is ErasureState.VERIFYING
    while world.uploads_left():
        world.collect("l-1")
    world.erasing.finish()
    assert world.erasing.state(begun) is ErasureState.COMPLETED
    assert world.places_of("Ana") == []
    assert [one["identifier"] for one in world.records()] == [None, *names[1:]]


def test_a_part_that_comes_late_is_found_by_the_second_search(world: ErasureWorld) -> None:
    """What a function wrote that had not seen the tombstone is removed by the second search, and searched again."""
    begun = world.erasing.begin(customer("Anna"))
    world.erasing.serve_one()
    world.store("Anna", {"customer_id": "Anna"})
    world.lookup("l-1", ["Anna"])
    world.collect("l-1")
    world.erasing.finish()
    ended = world.erasing.requests.read("acme", begun.erasure_id)
    assert (ended.state, ended.passes) == (ErasureState.COMPLETED, 3)
    assert world.places_of("Anna") == []


def test_a_retry_between_reading_and_writing_is_not_lost(world: ErasureWorld) -> None:
    """An object that is replaced between reading and rewriting is read again: the newer content stays."""
    key = world.lookup("l-1", ["Anna"])[0]
    objects, bucket = world.erasing.objects, world.stage.settings.bucket_name
    real, raced = objects.replace, list[str]()

    def replaced(where: str, body: bytes, before: object) -> None:
        if where == key and not raced:
            raced.append(where)
            line = gzip.decompress(world.body(key)).replace(b"Next-1", b"Newer-1")
            world.stage.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(line))
        real(where, body, before)  # type: ignore[arg-type]  # what is read

    objects.replace = replaced  # type: ignore[method-assign,assignment]  # somebody writes between
    world.erasing.erase(customer("Anna"))
    assert raced
    assert b"Newer-1" in gzip.decompress(world.body(key))
    assert world.places_of("Anna") == []


def test_an_erasure_that_nobody_goes_on_with_is_sent_once_more(world: ErasureWorld) -> None:
    """Asked for again, an erasure whose message is lost goes on, by one message for each quarter of an hour."""
    begun = world.erasing.begin(customer("Maria-17"))
    steps = world.erasing.steps
    steps.take()
    for _ in range(3):
        assert world.erasing.begin(customer("Maria-17")).erasure_id == begun.erasure_id
    assert steps.sent == []
    for _ in range(2):
        world.clock.now += MINUTES
        for _ in range(3):
            world.erasing.begin(customer("Maria-17"))
        assert [step.step for step in steps.sent] == [0]
        if len(steps.sent) == 1:
            steps.take()
    world.clock.now += MINUTES
    world.erasing.begin(customer("Maria-17"))
    world.erasing.finish()
    assert world.erasing.state(begun) is ErasureState.COMPLETED


def test_who_goes_on_sending_a_name_keeps_no_erasure_from_its_end(world: ErasureWorld) -> None:
    """Text that is no identifier, and rosters, may name a person again and again: five searches are the most."""
    begun = world.erasing.begin(customer("Maria-17"))
    spec = world.begin("l-1")
    for number in range(1, 20):
        if world.erasing.state(begun) is ErasureState.COMPLETED:
            break
        text = InvalidIdentifier("Maria-17", WRONG_TYPE, "email")
        world.arrive(spec, number, [Outcome.of_invalid(text)])
        world.erasing.serve_one()
    ended = world.erasing.requests.read("acme", begun.erasure_id)
    assert (ended.state, ended.passes) == (ErasureState.COMPLETED, SEARCHES_MOST)
    found = json.loads(world.body(ended.receipt or ""))["found"]
    assert found == {"parts": SEARCHES_MOST}
