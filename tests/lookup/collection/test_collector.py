"""Lookups collected into files: what is published equals the ledger, or nothing is published."""

from __future__ import annotations

import hashlib

import pytest

from lookup.collection.collection_result import Done, Held, Unfinished
from lookup.collection.collector import SetLimits
from lookup.collection.errors import Superseded
from lookup.collection.files import Format
from lookup.ledger.collecting.collections import Collection, CollectionState
from lookup.model import Counts, Part, RosterRange, Status
from tests.lookup.collection.world import MINUTES, World, found, outcome
from tests.lookup.services import counted
from tests.lookup.stage import Stage

FOUND, NOT_FOUND, FAILED, INVALID = Status.FOUND, Status.NOT_FOUND, Status.FAILED, Status.INVALID


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def three_parts(world: World) -> None:
    """End a lookup of three parts, the last of which holds a failure."""
    spec = world.begin(formats=("csv",))
    for number, statuses in ((2, [NOT_FOUND]), (1, [FOUND, INVALID]), (3, [FAILED, FOUND])):
        outcomes = [outcome(f"C-{number}{at}", one, at=world.clock()) for at, one in enumerate(statuses)]
        world.arrive(spec, number, outcomes)
    world.end(spec)


def test_files_follow_the_parts_in_order(world: World) -> None:
    """A lookup's files hold its parts in the order of their numbers, each record once, and the manifest counts them."""
    three_parts(world)
    assert isinstance(world.collect(), Done)
    assert [one["identifier"] for one in world.records()] == ["C-10", "C-11", "C-20", "C-30", "C-31"]
    manifest = world.manifest()
    assert manifest["counts"] == {"requested": 5, "found": 2, "not_found": 1, "invalid": 1, "failed": 1}
    for file in manifest["files"]:
        body = world.body(file["key"])
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
    assert [(one["format"], one["only"], one["records"]) for one in manifest["files"]] == [
        ("ndjson", None, 5), ("parquet", None, 5), ("csv", None, 5),
        ("ndjson", "changed", 3), ("parquet", "changed", 3), ("csv", "changed", 3),
    ]  # fmt: skip
    assert world.ready_published == [("l-1", 6)]


def test_once_it_is_collected_nothing_is_done_again(world: World) -> None:
    """A second delivery of a lookup's completion changes nothing and publishes nothing."""
    three_parts(world)
    world.collect()
    before = world.collected()
    assert isinstance(world.collect(), Done)
    assert world.collected().ready_at == before.ready_at
    assert len(world.ready_published) == 1


def test_a_running_lookup_is_not_collected(world: World) -> None:
    """Nothing is collected of a lookup that has not ended, nor of one that there is not."""
    world.arrive(world.begin(), 1, [outcome("C-1", FOUND, at=world.clock())])
    assert isinstance(world.collect(), Done)
    assert isinstance(world.collect("nobody"), Done)
    assert world.collections.read("l-1") is None
    assert world.visible() == []


def test_a_large_lookup_becomes_several_sets(stage: Stage) -> None:
    """At its bound a file ends with the part, and the next one begins; together they hold all."""
    world = World(stage, limits=SetLimits(records=2))
    three_parts(world)
    world.collect()
    names = [one["name"] for one in world.manifest()["files"] if one["format"] == "ndjson" and one["only"] is None]
    assert names == ["l-1-00001.ndjson.gz", "l-1-00002.ndjson.gz"]
    assert [one["identifier"] for one in world.records()] == ["C-10", "C-11", "C-20", "C-30", "C-31"]


def test_the_next_invocation_goes_on(stage: Stage) -> None:
    """Without time for all of it a function notes what is written and shows nothing; the next one goes on behind it."""
    world = World(stage, limits=SetLimits(records=1))
    three_parts(world)
    came = [world.collect(seconds=1)]
    assert (world.collected().sets, world.visible()) == (1, [])
    while not isinstance(came[-1], Done):
        came.append(world.collect(seconds=1))
    assert [type(one) for one in came] == [Unfinished, Unfinished, Done]
    assert len(world.records()) == 5
    assert world.uploads_left() == 0


def test_one_function_at_a_time(world: World) -> None:
    """While one function holds the claim another gets its expiry; after that time it takes over."""
    three_parts(world)
    progress = world.ended("l-1")
    now = world.clock()
    claim = world.collector._claimed(progress, now + 60)  # noqa: SLF001 - a function that dies after its claim
    assert getattr(claim, "held_until", None) == now + 60
    held = world.collect()
    assert isinstance(held, Held)
    assert held.until == now + 60
    world.clock.now += 61
    assert isinstance(world.collect(), Done)
    assert len(world.records()) == 5


def test_what_does_not_add_up_is_not_published(world: World) -> None:
    """Of a part whose object and ledger counts differ nothing is published, and the lookup reports it."""
    spec = world.begin()
    key = world.arrive(spec, 1, [outcome("C-1", FOUND, at=world.clock())])
    other = world.arrive(spec, 2, [outcome("C-2", FAILED, at=world.clock())])
    world.end(spec)
    world.stage.s3.copy_object(
        Bucket=world.stage.settings.bucket_name, Key=key, CopySource=f"{world.stage.settings.bucket_name}/{other}"
    )
    assert isinstance(world.collect(), Done)
    one = world.collected()
    assert (one.state, one.reason) == (CollectionState.FAILED, "counts_differ")
    assert world.visible() == []
    assert world.ready_published == []


def test_expired_parts_are_reported(world: World) -> None:
    """A lookup whose parts have expired ends as failed with that reason; once they are back it is collected again."""
    spec = world.begin()
    key = world.arrive(spec, 1, [outcome("C-1", FOUND, at=world.clock())])
    world.end(spec)
    body = world.body(key)
    world.stage.s3.delete_object(Bucket=world.stage.settings.bucket_name, Key=key)
    world.collect()
    assert (world.collected().state, world.collected().reason) == (CollectionState.FAILED, "parts_gone")
    world.stage.s3.put_object(Bucket=world.stage.settings.bucket_name, Key=key, Body=body)
    world.collect()
    assert world.collected().state is CollectionState.READY


@pytest.mark.parametrize("kept", [b"", b"no gzip", slice(40), slice(-3)], ids=["empty", "text", "cut", "cut a little"])
def test_an_object_that_cannot_be_read_is_not_published(world: World, kept: bytes | slice) -> None:
    """A part whose object is broken is said to differ; nothing is published, and nothing is raised."""
    spec = world.begin()
    key = world.arrive(spec, 1, [outcome("C-1", FOUND, at=world.clock())])
    world.end(spec)
    body = world.body(key)[kept] if isinstance(kept, slice) else kept
    world.stage.s3.put_object(Bucket=world.stage.settings.bucket_name, Key=key, Body=body)
    world.collect()
    assert (world.collected().state, world.collected().reason) == (CollectionState.FAILED, "counts_differ")
    assert world.visible() == []


def test_a_retry_replaces_the_files(world: World) -> None:
    """After a retry of what failed the files hold the newer outcomes, and those of before are gone."""
    spec = world.begin()
    world.arrive(spec, 1, [outcome("C-1", FOUND, at=world.clock())])
    world.arrive(spec, 2, [outcome("C-2", FAILED, at=world.clock())])
    world.end(spec)
    world.collect()
    before = world.visible()
    tried_in = world.retry(spec)
    world.arrive(spec, 2, [outcome("C-2", FOUND, at=world.clock())], tried_in=tried_in)
    world.end(spec)
    world.collect()
    assert [one["outcome"] for one in world.records()] == ["found", "found"]
    assert world.manifest()["counts"]["failed"] == 0
    left = {key for key in world.visible() if key in before}
    assert all("manifest" in key for key in left)
    assert world.ready_published == [("l-1", 4), ("l-1", 4)]


def test_a_retry_that_begins_meanwhile_is_no_failure(world: World) -> None:
    """When a retry begins while a lookup is collected, that collection ends without a word."""
    spec = world.begin()
    world.arrive(spec, 1, [outcome("C-1", FAILED, at=world.clock())])
    progress = world.end(spec)
    now = world.clock()
    claim = world.collector._claimed(progress, now + 1)  # noqa: SLF001 - a function between its claim and its work
    assert isinstance(claim, Collection)
    tried_in = world.retry(spec)
    world.archive.write_once(
        workspace="default", lookup_id="l-1", name="00000001", fed_at=spec.submitted_at,
        records=[], retry_round=tried_in,
    )  # fmt: skip
    with pytest.raises(Superseded):
        world.collector._collected(progress, claim, now + MINUTES)  # noqa: SLF001 - and its work
    assert world.collected().state is CollectionState.COLLECTING
    assert world.visible() == []


def test_lost_parts_are_counted_without_records(world: World) -> None:
    """Identifiers lost with their roster are failed in the counts, without records; the manifest reports it."""
    spec = world.begin()
    world.arrive(spec, 1, [outcome("C-1", FOUND, at=world.clock())])

    part = Part("l-1", "00000002", "default", (), spec.submitted_at, spec.submitted_at, origin=RosterRange(0, 1, 1))
    world.part_ledger.count_completed([counted(part, Counts(3, failed=3))], "")
    world.end(spec)
    world.collect()
    assert (world.manifest()["lost"], world.manifest()["counts"]["failed"], len(world.records())) == (3, 3, 1)


def test_changes_by_themselves(world: World) -> None:
    """The files of changes hold who is new, gone or different since the fetch before, and nobody else."""
    spec, now = world.begin(), world.clock()
    same = found("C-1", {"a": 1}, at=now, changed_at=now - 10)
    world.arrive(spec, 1, [same, found("C-2", {"a": 2}, at=now), outcome("C-3", NOT_FOUND, at=now)])
    world.end(spec)
    world.collect()
    assert [(one["identifier"], one["changed"]) for one in world.records("changed")] == [("C-2", True), ("C-3", True)]


def test_without_kept_profiles_nobody_knows_of_changes(stage: Stage) -> None:
    """In a workspace that keeps no profiles there are no files of changes: everything would be new."""
    world = World(stage, keeps_profiles=False)
    three_parts(world)
    world.collect()
    assert {one["only"] for one in world.manifest()["files"]} == {None}
    assert world.files(Format.NDJSON, "changed") == []
