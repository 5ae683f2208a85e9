"""Erasures beside answers at once: on their queue, in objects, and in the files of their hour."""

from __future__ import annotations

import gzip
import json

from lookup.collection.collection_result import Done
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
