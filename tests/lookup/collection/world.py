"""Lookups that have ended, as workers leave them: objects of parts and the ledger's counts, collected by a test."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

from lookup.collection.collection_result import CollectionResult
from lookup.collection.collector import Collector, SetLimits
from lookup.collection.files import Format
from lookup.collection.part_objects import PartObjects
from lookup.collection.upload import Uploads
from lookup.ledger.collecting.collections import Collection, CollectionLedger
from lookup.ledger.items import lookup_key
from lookup.ledger.model import LookupRecord, LookupSpec, Roster
from lookup.model import Attributes, Counts, InvalidIdentifier, Outcome, Part, Profile, RosterRange, Source, Status
from lookup.results.files import Record
from lookup.wiring.collection import WRITERS
from tests.lookup.services import BulkServices, counted, customer
from tests.lookup.stage import Stage

MINUTES = 900.0


def found(name: str, attributes: Attributes, *, at: float, changed_at: float | None = None) -> Outcome:
    """Make the outcome of a user whom MoEngage holds."""
    since = at if changed_at is None else changed_at
    profile = Profile("default", customer(name), attributes, at, "l-1", changed_at=since)
    return Outcome(customer(name), Status.FOUND, profile=profile, source=Source.MOENGAGE)


def outcome(name: str, status: Status, *, at: float) -> Outcome:
    """Make an outcome of a status."""
    match status:
        case Status.FOUND:
            return found(name, {"customer_id": name}, at=at)
        case Status.INVALID:
            return Outcome.of_invalid(InvalidIdentifier(name, "must not be that", line=1))
        case Status.NOT_FOUND:
            gone = Profile("default", customer(name), None, at, "l-1", changed_at=at)
            return Outcome(customer(name), Status.NOT_FOUND, profile=gone, source=Source.MOENGAGE)
        case _:
            return Outcome(customer(name), Status.FAILED, "no_answer")


class World(BulkServices):
    """Services whose lookups a test ends, and collects."""

    def __init__(self, stage: Stage, *, limits: SetLimits | None = None, keeps_profiles: bool = True) -> None:
        super().__init__(stage)
        bucket = stage.settings.bucket_name
        self.ready_published: list[tuple[str, int]] = []
        self.collections = CollectionLedger(self.table)
        self.collector = Collector(
            ledger=self.lookups,
            collections=self.collections,
            parts=PartObjects(stage.s3, bucket, self.collections),
            uploads=Uploads(stage.s3, bucket),
            writers=WRITERS,
            publish=lambda progress, one: self.ready_published.append((progress.spec.lookup_id, one.files)),
            keeps_profiles=lambda _: keeps_profiles,
            clock=self.clock,
            limits=limits,
        )

    def begin(
        self, lookup_id: str = "l-1", *, fields: tuple[str, ...] | None = None, formats: tuple[str, ...] = ()
    ) -> LookupSpec:
        """Submit a lookup over a roster that nobody reads."""
        roster = Roster("rosters/none.csv", None, 1000, entries=1)
        spec = LookupSpec(lookup_id, "default", "acme", self.clock(), roster, fields=fields, formats=formats)
        assert self.lookups.submit(spec)
        return spec

    def arrive(self, spec: LookupSpec, number: int, outcomes: Sequence[Outcome], *, tried_in: int = 0) -> str:
        """Archive and count a part as a worker does; what is archived first counts. Return the object's key."""
        part = Part(
            spec.lookup_id,
            f"{number:08}",
            spec.workspace,
            (),
            spec.submitted_at,
            spec.submitted_at,
            origin=RosterRange(0, 1, 1, tried_in),
        )
        key, there = self.archive.write_once(
            workspace=spec.workspace,
            lookup_id=spec.lookup_id,
            name=part.number,
            fed_at=part.fed_at,
            records=[Record(part.number, one) for one in outcomes],
            retry_round=tried_in,
        )
        counts = Counts.of(outcomes)
        if there is not None:
            told = [str(record["outcome"]) for record in there]
            counts = Counts(len(told), **{status.value: told.count(status.value) for status in Status})
        self.part_ledger.count_completed([counted(part, counts)], key)
        return key

    def end(self, spec: LookupSpec) -> LookupRecord:
        """End a lookup, or a round of retries of it."""
        tally = self.lookups.tally(spec.lookup_id)
        done, entries = (0, 0) if tally is None else (tally.parts_done, tally.counts.requested)
        facts = {"yes": True, "parts": done, "entries": entries}
        change = "SET #exhausted = :yes, #parts_fed = :parts, #entries_fed = :entries"
        shares, entry = self.lookups.shares, self.lookups.shares.ready_entry(spec)
        place = []
        if entry is not None:
            place = [shares.remove_ready(entry), shares.update_share(spec, {"ready": -1, "users": -entry.left})]
        self.table.write(self.table.update(lookup_key(spec.lookup_id, "cursor"), change, facts), *place)
        self.ending.finish_if_done(spec.lookup_id)
        progress = self.ended(spec.lookup_id)
        assert progress.finished_at is not None
        return progress

    def retry(self, spec: LookupSpec) -> int:
        """Begin a round of retries; return its number."""
        self.clock.now += 1
        progress = self.ended(spec.lookup_id)
        assert self.states.retry_failed(spec, progress.cursor)
        return progress.cursor.retry_round + 1

    def ended(self, lookup_id: str) -> LookupRecord:
        progress = self.lookups.get(lookup_id)
        assert progress is not None
        return progress

    def collect(self, lookup_id: str = "l-1", *, seconds: float = MINUTES) -> CollectionResult:
        return self.collector.collect(lookup_id, until=self.clock() + seconds)

    def collected(self, lookup_id: str = "l-1") -> Collection:
        one = self.collections.read(lookup_id)
        assert one is not None
        return one

    def body(self, key: str) -> bytes:
        return self.stage.s3.get_object(Bucket=self.stage.settings.bucket_name, Key=key)["Body"].read()

    def manifest(self, lookup_id: str = "l-1") -> dict[str, Any]:
        key = self.collected(lookup_id).manifest
        assert key is not None
        read: dict[str, Any] = json.loads(self.body(key))
        return read

    def files(self, written_as: Format, only: str | None = None, lookup_id: str = "l-1") -> list[bytes]:
        """Return the bodies of the files of one format, in order."""
        listed = self.manifest(lookup_id)["files"]
        keys = [one["key"] for one in listed if one["format"] == written_as and one["only"] == only]
        return [self.body(key) for key in keys]

    def records(self, only: str | None = None, lookup_id: str = "l-1") -> list[dict[str, Any]]:
        """Return what the NDJSON files hold."""
        lines = b"".join(map(gzip.decompress, self.files(Format.NDJSON, only, lookup_id))).splitlines()
        return [json.loads(line) for line in lines]

    def visible(self) -> list[str]:
        """Return the keys of collected files, manifests too."""
        return [key for key in self.stage.keys("results/") if "hour=" not in key]

    def uploads_left(self) -> int:
        """Count the multipart uploads that nobody completed or removed."""
        answer = self.stage.s3.list_multipart_uploads(Bucket=self.stage.settings.bucket_name)
        return len(answer.get("Uploads", []))
