"""Exports: one more format of files that are collected, made once, whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace

import pytest

from lookup.collection.collection_result import Done, Held, Unfinished
from lookup.collection.collector import SetLimits
from lookup.collection.files import Format
from lookup.errors import Conflict, Expired, LimitExceeded
from lookup.ledger.collecting.exports import ExportState
from lookup.ledger.items import deserialize, serialize
from lookup.model import Status
from tests.lookup.collection.exporting import Exporting
from tests.lookup.collection.world import World, found, outcome
from tests.lookup.stage import Stage

COLLECTING, READY, FAILED = ExportState.COLLECTING, ExportState.READY, ExportState.FAILED


def three_parts(world: World, lookup_id: str = "l-1", *, formats: tuple[str, ...] = ()) -> None:
    """Collect a lookup of three parts, of which the second holds nothing new."""
    spec, now = world.begin(lookup_id, fields=("name",), formats=formats), world.clock()
    world.arrive(spec, 1, [found("C-1", {"name": "One"}, at=now), outcome("junk", Status.INVALID, at=now)])
    world.arrive(spec, 2, [found("C-2", {"name": "=2+2"}, at=now, changed_at=now - 9)])
    world.arrive(spec, 3, [outcome("C-3", Status.FAILED, at=now)])
    world.end(spec)
    world.collect(lookup_id)


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage, limits=SetLimits(records=2))


@pytest.fixture
def exporting(world: World) -> Exporting:
    return Exporting(world)


def test_an_export_holds_what_the_files_hold(world: World, exporting: Exporting) -> None:
    """CSV made later holds the same records in the same order, all and the changes; its files are as listed."""
    three_parts(world)
    exporting.ask()
    assert exporting.asked == [("l-1", "csv")]
    assert isinstance(exporting.make(), Done)
    assert [(row["identifier"], row["outcome"], row["name"]) for row in exporting.rows()] == [
        ("C-1", "found", "One"), ("junk", "invalid", ""), ("C-2", "found", "'=2+2"), ("C-3", "failed", ""),
    ]  # fmt: skip
    assert [row["identifier"] for row in exporting.rows("changed")] == ["C-1"]
    export = exporting.export()
    exported = [one for one in exporting.listed() if one.format is Format.CSV]
    assert (export.state, export.files, export.bytes) == (READY, 3, sum(one.bytes for one in exported))
    for one in exported:
        body = world.body(one.key)
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one.bytes, one.sha256)
    assert world.uploads_left() == 0


def test_the_same_export_twice_costs_nothing(world: World, exporting: Exporting) -> None:
    """An export that is there or under way is neither asked for nor made again."""
    three_parts(world)
    for _ in range(2):
        exporting.ask()
    assert len(exporting.asked) == 1
    exporting.make()
    before, ready_at = world.visible(), exporting.export().ready_at
    world.clock.now += 10_000
    exporting.ask()
    assert isinstance(exporting.make(), Done)
    assert (len(exporting.asked), world.visible(), exporting.export().ready_at) == (1, before, ready_at)


def test_an_export_whose_event_was_lost_is_asked_for_again(world: World, exporting: Exporting) -> None:
    """One that nobody is at gets its event once more when it is requested, once in a quarter of an hour at most."""
    three_parts(world)
    exporting.ask()
    world.clock.now += 899
    exporting.ask()
    assert len(exporting.asked) == 1
    for number in (2, 3):
        world.clock.now += 900
        for _ in range(3):
            exporting.ask()
        assert len(exporting.asked) == number
    exporting.make()
    assert exporting.export().state is READY


def test_a_byte_order_mark_is_another_format(world: World, exporting: Exporting) -> None:
    """CSV with a byte order mark has files of its own names beside those without; each begins as it should."""
    three_parts(world)
    for written_as in (Format.CSV, Format.CSV_BOM):
        exporting.ask(written_as=written_as)
        exporting.make(written_as=written_as)
    names = [one.name for one in exporting.listed()]
    assert len(set(names)) == len(names)
    begins = {one.name: gzip.decompress(world.body(one.key))[:3] for one in exporting.listed() if "csv" in one.name}
    assert begins["l-1-00001.csv.gz"] == b"ide"
    assert begins["l-1-bom-00001.csv.gz"] == "\ufeff".encode()
    assert exporting.rows() == exporting.rows(written_as=Format.CSV_BOM)


def test_what_the_lookup_asked_for_is_there(world: World, exporting: Exporting) -> None:
    """A lookup's own CSV is not made again; one with a byte order mark lies beside one without."""
    three_parts(world, formats=("csv",))
    exporting.ask()
    assert (exporting.asked, dict(world.collected().exports)) == ([], {})
    three_parts(world, "l-2", formats=("csv_bom",))
    exporting.ask("l-2", Format.CSV_BOM)
    assert exporting.asked == []
    exporting.ask("l-2", Format.CSV)
    exporting.make("l-2", Format.CSV)
    names = {one.name: one.format for one in exporting.listed("l-2")}
    assert (names["l-2-bom-00001.csv.gz"], names["l-2-00001.csv.gz"]) == (Format.CSV_BOM, Format.CSV)
    assert exporting.rows(lookup_id="l-2") == exporting.rows(lookup_id="l-2", written_as=Format.CSV_BOM)


def test_only_of_files_that_are_ready(world: World, exporting: Exporting) -> None:
    """A lookup that runs, is being collected, or whose files are deleted has no exports, each for its reason."""
    spec = world.begin()
    world.arrive(spec, 1, [outcome("C-1", Status.FOUND, at=world.clock())])
    with pytest.raises(Conflict, match="has not ended"):
        exporting.ask()
    world.end(spec)
    with pytest.raises(Conflict, match="not ready: collecting"):
        exporting.ask()
    world.collect()
    for key in world.visible():
        world.stage.s3.delete_object(Bucket=world.stage.settings.bucket_name, Key=key)
    with pytest.raises(Expired, match="files of this lookup are deleted"):
        exporting.ask()
    assert exporting.asked == []


def test_the_next_invocation_goes_on(world: World, exporting: Exporting) -> None:
    """Without time for all of it an export shows nothing; the next function goes on behind the last set."""
    three_parts(world)
    exporting.ask()
    before = world.visible()
    assert isinstance(exporting.make(seconds=1), Unfinished)
    assert (exporting.export().sets, world.visible()) == (1, before)
    came = exporting.make(seconds=1)
    while isinstance(came, Unfinished):
        came = exporting.make(seconds=1)
    assert (len(exporting.rows()), exporting.export().state) == (4, READY)


def test_one_function_at_a_time(world: World, exporting: Exporting) -> None:
    """While one function holds the claim another waits; the first can note nothing once it is taken over."""
    three_parts(world)
    exporting.ask()
    seen = world.collected()
    claim = exporting.exporter._exports.claim("l-1", seen, token="dies", until=world.clock() + 60)  # noqa: SLF001 - a function that dies after its claim
    assert claim is not None
    assert isinstance(exporting.make(), Held)
    world.clock.now += 61
    assert isinstance(exporting.make(), Done)
    assert not exporting.exporter._exports.finish(world.ended("l-1"), claim, "csv", exporting.export())  # noqa: SLF001 - and comes back
    assert len(exporting.rows()) == 4


def test_a_partner_has_so_many_under_way(world: World) -> None:
    """Over its limit of exports under way a partner is refused; each that is made makes room, and so does a retry."""
    exporting = Exporting(world, limit=1)
    for name in ("l-1", "l-2", "l-3"):
        three_parts(world, name)
    exporting.ask("l-1")
    with pytest.raises(LimitExceeded, match="1 exports are the most"):
        exporting.ask("l-2")
    exporting.make("l-1")
    exporting.ask("l-2")
    world.retry(world.ended("l-2").spec)
    assert isinstance(exporting.make("l-2"), Done)
    exporting.ask("l-3")
    assert exporting.asked == [("l-1", "csv"), ("l-2", "csv"), ("l-3", "csv")]


def test_room_is_found_where_no_message_made_it(world: World) -> None:
    """Entries of exports that a retry ended do not count against a partner for ever."""
    exporting = Exporting(world, limit=1)
    for name in ("l-1", "l-2"):
        three_parts(world, name)
    exporting.ask("l-1")
    spec = world.ended("l-1").spec
    tried_in = world.retry(spec)
    world.arrive(spec, 3, [outcome("C-3", Status.FOUND, at=world.clock())], tried_in=tried_in)
    world.end(spec)
    world.collect("l-1")
    exporting.ask("l-2")
    assert exporting.asked == [("l-1", "csv"), ("l-2", "csv")]


def test_a_retry_replaces_exports_too(world: World, exporting: Exporting) -> None:
    """After a retry nothing is left of exports before it, and they can be asked for again."""
    three_parts(world)
    exporting.ask()
    exporting.make()
    spec = world.ended("l-1").spec
    tried_in = world.retry(spec)
    world.arrive(spec, 3, [outcome("C-3", Status.FOUND, at=world.clock())], tried_in=tried_in)
    world.end(spec)
    world.collect()
    assert [key for key in world.visible() if "/csv" in key] == []
    assert dict(world.collected().exports) == {}
    exporting.ask()
    exporting.make()
    assert [row["outcome"] for row in exporting.rows()] == ["found", "invalid", "found", "found"]


def test_a_retry_that_begins_meanwhile_ends_an_export(world: World, exporting: Exporting) -> None:
    """When a retry has begun an export is over without a word, and nothing of it is visible."""
    three_parts(world)
    exporting.ask()
    before = world.visible()
    world.retry(world.ended("l-1").spec)
    assert isinstance(exporting.make(), Done)
    assert world.visible() == before


@pytest.mark.parametrize("kept", [b"", slice(40), slice(-3)], ids=["empty", "cut", "cut a little"])
def test_a_broken_file_is_not_exported(world: World, exporting: Exporting, kept: bytes | slice) -> None:
    """Of a file that is not what was written no export is published: it says so, and can be asked for anew."""
    three_parts(world)
    exporting.ask()
    before = world.visible()
    (first, *_) = [one for one in exporting.listed() if one.format is Format.NDJSON and one.only is None]
    body, bucket = world.body(first.key), world.stage.settings.bucket_name
    cut = body[kept] if isinstance(kept, slice) else kept
    world.stage.s3.put_object(Bucket=bucket, Key=first.key, Body=cut.ljust(len(body), b"\0"))
    assert isinstance(exporting.make(), Done)
    assert (exporting.export().state, exporting.export().reason) == (FAILED, "counts_differ")
    assert world.visible() == before
    world.stage.s3.put_object(Bucket=bucket, Key=first.key, Body=body)
    exporting.ask()
    exporting.make()
    assert (exporting.export().state, exporting.export().reason, len(exporting.rows())) == (READY, None, 4)


def test_a_file_that_is_gone_is_reported(world: World, exporting: Exporting) -> None:
    """An export whose source is deleted has failed for that reason."""
    three_parts(world)
    exporting.ask()
    (first, *_) = [one for one in exporting.listed() if one.format is Format.NDJSON]
    world.stage.s3.delete_object(Bucket=world.stage.settings.bucket_name, Key=first.key)
    exporting.make()
    assert (exporting.export().state, exporting.export().reason) == (FAILED, "parts_gone")


def test_the_open_exports_are_known(world: World, exporting: Exporting) -> None:
    """An export is among its partner's open ones until it is made."""
    three_parts(world)
    key = serialize({"pk": "exports#acme", "sk": "open"})
    exporting.ask()
    (item,) = world.table.read([key])
    assert deserialize(item)["open"] == {"l-1#csv"}
    exporting.make()
    (item,) = world.table.read([key])
    assert "open" not in deserialize(item)


def test_whoever_writes_the_whole_item_keeps_its_exports(world: World, exporting: Exporting) -> None:
    """A change of a collection that is ready, as its size after an erasure, leaves its exports as they are."""
    three_parts(world)
    exporting.ask()
    exporting.make()
    seen = world.collected()
    assert world.collections.write("l-1", replace(seen, bytes=seen.bytes - 1), seen=seen)
    assert exporting.export() == seen.exports["csv"]
    assert world.collected().bytes == seen.bytes - 1
