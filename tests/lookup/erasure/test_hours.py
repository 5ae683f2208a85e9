"""Erasures beside answers at once: on their queue, in objects, and in the files of their hour."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from lookup.collection.collection_result import Done
from lookup.erasure.copies.coverage import Coverage
from lookup.erasure.people import People
from lookup.model import Counts
from tests.lookup.collection.hour_world import HourWorld
from tests.lookup.collection.world import found
from tests.lookup.erasure.world import Erasing
from tests.lookup.services import customer
from tests.lookup.stage import Stage

ANNA = "Anna-7"


def copies(stage: Stage) -> list[str]:
    """Return the keys of objects that hold the person, in any version; Parquet stands beside NDJSON here."""
    held = []
    s3, bucket = stage.s3, stage.settings.bucket_name
    for one in s3.list_object_versions(Bucket=bucket)["Versions"]:
        body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        held += [one["Key"]] if ANNA.encode() in text else []
    return held


def test_an_answer_that_is_still_on_its_queue(stage: Stage) -> None:
    """An answer that comes off its queue after the erasure is written without the person, and its hour adds up."""
    world = HourWorld(stage)
    at = world.clock()
    world.deliver(
        [world.message(n, [found(name, {"customer_id": name}, at=at)]) for n, name in enumerate((ANNA, "Bob"))]
    )
    world.record(world.processed(1, [found(ANNA, {"customer_id": ANNA, "town": "Ahrensburg"}, at=at)]))
    late = world.message(7, [found("Cleo", {"customer_id": "Cleo"}, at=at), found(ANNA, {"uid": ANNA}, at=at)])
    world.pass_hours()
    assert len(copies(stage)) >= 3
    erasing = Erasing(stage, world.clock)
    before = world.collected().bytes
    erasing.erase(customer(ANNA))
    assert copies(stage) == []
    assert world.collected().bytes == sum(file["bytes"] for file in world.manifest()["files"]) != before
    world.deliver([late])
    assert copies(stage) == []
    assert isinstance(world.collect(), Done)
    assert copies(stage) == []
    assert world.manifest()["counts"] == Counts(5, found=5).to_json()
    named = [one["identifier"] for one in world.records()]
    assert sorted(name for name in named if name) == ["Bob", "Cleo"]
    assert named.count(None) == 3
    assert json.loads(world.body(world.collected().manifest or ""))["counts"]["found"] == 5


def test_objects_that_the_files_of_their_hour_hold_are_not_read(stage: Stage) -> None:
    """Of an hour whose files name nobody only what they do not hold whole is read, or what is later."""
    world = HourWorld(stage)
    at = world.clock()
    world.record(world.processed(1, [found(ANNA, {"customer_id": ANNA}, at=at)]), dies_before_ledger=True)
    world.record(world.processed(2, [found("Bob", {"customer_id": "Bob"}, at=at)]))
    world.deliver([world.message(3, [found("Cleo", {"customer_id": "Cleo"}, at=at)])])
    held = [key for key in stage.keys("parts/") if key not in copies(stage)]
    (left_out,) = copies(stage)
    world.pass_hours()
    assert world.manifest()["left_out"] == [left_out]
    erasing, read = Erasing(stage, world.clock), list[str]()
    real = erasing.objects.read
    erasing.objects.read = lambda key, version=None: (read.append(key), real(key, version))[1]  # type: ignore[method-assign,func-returns-value]  # counted
    erasing.erase(customer(ANNA))
    assert len(held) == 2
    assert not set(held) & set(read)
    assert left_out in read
    assert copies(stage) == []
    coverage = Coverage(erasing.objects, erasing.collections, People([customer(ANNA)]), "default")
    for one in (next(erasing.objects.under(key)) for key in held):
        assert not coverage.must_be_read(one)
        late = replace(one.versions[0], modified=world.clock() - 60)
        assert coverage.must_be_read(replace(one, versions=(late,)))
