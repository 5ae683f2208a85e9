"""An hour of a workspace, collected: what its objects hold then, each record once; later ones have it collected anew.

The files are a function of the hour's objects and of what the ledger counts in them, both of which only grow: whoever
collects last has everything, and whoever dies on the way leaves nothing that the next one does not replace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from lookup.collection.collection_result import CollectionResult, Done, Held
from lookup.collection.collector import SET_BYTES, SET_RECORDS, UNEQUAL, Claimed, nobody
from lookup.collection.errors import Superseded, Unequal
from lookup.collection.files import Format, ResultFile
from lookup.collection.formats.rows import Row, added, counts_of
from lookup.collection.hours.files import (
    HourFiles,
    Listing,
    MakeHourWriter,
    content_of,
    hour_manifest,
    hour_manifest_key,
)
from lookup.collection.hours.objects import HourObjects
from lookup.collection.upload import Uploads
from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collected_hours import CollectedHour, HourLedger
from lookup.ledger.collecting.hour_marks import Hour
from lookup.model import Clock, Counts
from lookup.results.files import INTAKE
from lookup.telemetry import Metric, count, logger

PUBLISHING = 60.0  # seconds kept back for ending the files


class HourCollector:
    """Collects hours. `publish` sends the event of files that are ready; `keeps_profiles` of a workspace."""

    def __init__(
        self,
        *,
        hours: HourLedger,
        objects: HourObjects,
        uploads: Uploads,
        writers: Mapping[Format, MakeHourWriter],
        publish: Callable[[Hour, CollectedHour], None],
        keeps_profiles: Callable[[str], bool],
        clock: Clock,
        set_records: int = SET_RECORDS,
        set_bytes: int = SET_BYTES,
    ) -> None:
        self._hours = hours
        self._objects = objects
        self._uploads = uploads
        self._writers = writers
        self._publish = publish
        self._keeps_profiles = keeps_profiles
        self._clock = clock
        self._set_records = set_records
        self._set_bytes = set_bytes

    def collect(self, hour: Hour, *, until: float, claimed: Claimed = nobody) -> CollectionResult:
        """Collect an hour before `until` (epoch seconds). Raises `AwsUnavailable` when that is too soon.

        `claimed` is called with the claim's token, and may keep it alive; else it ends with that time.
        """
        seen = self._hours.read(hour)
        if seen is not None and seen.held_until > self._clock():
            return Held(seen.held_until)
        claim = replace(seen or CollectedHour(), token=uuid4().hex, held_until=until)
        if not self._hours.write(hour, claim, seen=seen):
            return Held(self._clock() + 1)
        claimed(hour.name, claim.token)
        try:
            self._collect(hour, claim, until)
        except Superseded:
            return Held(self._clock() + 1)  # whoever it is may have read the objects before us
        except Unequal as fault:
            return self._failed(hour, claim, fault)
        except BaseException:
            self._hours.write(hour, _released(claim), seen=claim)
            raise
        return Done()

    def _collect(self, hour: Hour, claim: CollectedHour, until: float) -> None:
        files = HourFiles(
            self._uploads,
            self._writers,
            hour,
            tells_changes=self._keeps_profiles(hour.workspace),
            set_records=self._set_records,
            set_bytes=self._set_bytes,
        )
        try:
            left_out = list[str]()
            listed_at = self._clock()
            counts, intake = self._fill(files, hour, claim, until, left_out.append)
            sealed = files.sealed()
            if not counts.requested or (content_of(sealed), claim.told) == (claim.content, True):
                files.abandon()
                self._keep(hour, _released(claim, reason=None), claim)
                return
            self._check(hour, claim)
        except BaseException:
            files.abandon()
            raise
        self._publish_files(hour, replace(claim, counts=counts, intake=intake), sealed, Listing(listed_at, left_out))

    def _fill(
        self, files: HourFiles, hour: Hour, claim: CollectedHour, until: float, left_out: Callable[[str], object]
    ) -> tuple[Counts, int]:
        """Write all records that count; return how many, and how many of the intake queue.

        Raises `Unequal`, also when they have become fewer.
        """
        counts, intake, now = Counts(), 0, self._clock()
        last = until - min(PUBLISHING, (until - now) / 2)
        for rows in self._objects.rows(hour, left_out):
            if self._clock() > last:
                raise AwsUnavailable("an hour took longer to read than a function may run")
            if rows:
                files.add(rows)
                counts = added(counts, _counts(rows))
                intake += len(rows) if str(rows[0].facts["lookup_id"]).startswith(INTAKE) else 0
        if counts.requested < claim.counts.requested and self._uploads.has(hour_manifest_key(hour)):
            raise Unequal("objects are gone that were collected before")
        return counts, intake

    def _check(self, hour: Hour, claim: CollectedHour) -> None:
        """Raise `Superseded` unless we are still the one who is at it."""
        now = self._hours.read(hour)
        if now is None or now.token != claim.token:
            raise Superseded

    def _publish_files(self, hour: Hour, claim: CollectedHour, files: Sequence[ResultFile], listing: Listing) -> None:
        for file in files:
            self._uploads.complete(file.sealed)
        ready_at, manifest = self._clock(), hour_manifest_key(hour)
        self._uploads.put(manifest, hour_manifest(hour, claim.counts, files, listing, ready_at), "application/json")
        keys = tuple(file.sealed.key for file in files)
        for former in set(claim.keys) - set(keys):
            self._uploads.remove(former)
        ready = CollectedHour(
            token=uuid4().hex,
            ready_at=ready_at,
            manifest=manifest,
            keys=keys,
            bytes=sum(file.sealed.size for file in files),
            content=content_of(files),
            counts=claim.counts,
            intake=claim.intake,
            told=False,
        )
        self._keep(hour, ready, claim)
        count(Metric.RESULTS_COLLECTED)
        self._publish(hour, ready)
        self._keep(hour, replace(ready, told=True), ready)

    def _keep(self, hour: Hour, now: CollectedHour, seen: CollectedHour) -> None:
        if not self._hours.write(hour, now, seen=seen):
            raise Superseded

    def _failed(self, hour: Hour, claim: CollectedHour, fault: Unequal) -> CollectionResult:
        """Leave what is published as it is, and say so."""
        self._hours.write(hour, _released(claim, reason=UNEQUAL), seen=claim)
        logger.error(
            "results not published",
            workspace=hour.workspace,
            hour=hour.name,
            reason=str(fault),
            runbook="Results not published",
        )
        count(Metric.RESULTS_FAILED)
        return Done()


def _released(claim: CollectedHour, **more: Any) -> CollectedHour:  # noqa: ANN401 - of the fields' own types
    """Return what a claim leaves when nothing is published; under a new token, so that no beat claims it again."""
    return replace(claim, token=uuid4().hex, held_until=0.0, **more)


def _counts(rows: Sequence[Row]) -> Counts:
    try:
        return counts_of(rows)
    except (KeyError, TypeError):
        raise Unequal("an object holds a record without an outcome") from None
