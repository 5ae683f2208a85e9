"""A lookup that has ended, collected: set by set of files, and all of them made visible when they add up.

Every step may be the last: whoever comes next goes on behind the last set that was noted. Nothing is visible before all
parts are read and their counts are the ledger's; a function that lost its claim can note and publish nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

from lookup.collection.collection_result import Busy, CollectionResult, Done, Held, Unfinished
from lookup.collection.errors import Gone, Superseded, Unequal
from lookup.collection.file_sets import FileSetWriter, MakeWriter
from lookup.collection.files import CHANGED, Format, ResultFile, manifest, manifest_key
from lookup.collection.formats.rows import added
from lookup.collection.part_objects import PartObjects
from lookup.collection.upload import Uploads
from lookup.ledger.collecting.collection_slots import LARGE, CollectionSlots
from lookup.ledger.collecting.collections import Collection, CollectionLedger, CollectionState, FileSet, is_over
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.model import Clock, Counts
from lookup.telemetry import Metric, count, logger

SET_RECORDS = 1_000_000
SET_BYTES = 256 * 1000 * 1000
PUBLISHING = 60.0  # seconds kept back for ending the files
UNEQUAL, PARTS_GONE = "counts_differ", "parts_gone"


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Of one file set: at how many records, or bytes of its largest file, the next one begins."""

    records: int = SET_RECORDS
    bytes: int = SET_BYTES


Claimed = Callable[[str, str], None]  # with the lookup's id and the claim's token


def nobody(_lookup_id: str, _token: str) -> None:
    """Keep no claim alive: it ends with the time that it was made for."""


class Collector:
    """Collects lookups. `publish` sends the event of results that are ready; `keeps_profiles` of a workspace."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        collections: CollectionLedger,
        parts: PartObjects,
        uploads: Uploads,
        writers: Mapping[Format, MakeWriter],
        publish: Callable[[LookupRecord, Collection], None],
        keeps_profiles: Callable[[str], bool],
        clock: Clock,
        limits: SetLimits | None = None,
        slots: CollectionSlots | None = None,
    ) -> None:
        """`slots` are taken by large lookups; without them none waits for another."""
        self._ledger = ledger
        self._collections = collections
        self._parts = parts
        self._uploads = uploads
        self._writers = writers
        self._publish = publish
        self._keeps_profiles = keeps_profiles
        self._clock = clock
        self._limits = limits or SetLimits()
        self._slots = slots

    def collect(self, lookup_id: str, *, until: float, claimed: Claimed = nobody) -> CollectionResult:
        """Collect a lookup that has ended, until `until` (epoch seconds); after a failure from the beginning.

        `claimed` is called with a claim's token, so that it can be kept alive.
        """
        progress = self._ledger.get(lookup_id)
        if progress is None or not is_over(progress):
            return Done()
        if self._slots is None or progress.tally.counts.requested < LARGE:
            return self._collect(progress, until, claimed)
        partner = progress.spec.partner
        if not self._slots.take(partner, lookup_id, until=until):
            return Busy()
        try:
            return self._collect(progress, until, claimed)
        finally:
            self._slots.release(partner, lookup_id)

    def _collect(self, progress: LookupRecord, until: float, claimed: Claimed) -> CollectionResult:
        claim = self._claimed(progress, until)
        if not isinstance(claim, Collection):
            return claim
        claimed(progress.spec.lookup_id, claim.token)
        try:
            return self._collected(progress, claim, until)
        except Superseded:
            return Done()

    def _claimed(self, progress: LookupRecord, until: float) -> Collection | Held | Done:
        lookup_id, ended_at = progress.spec.lookup_id, progress.finished_at or 0.0
        seen = self._collections.read(lookup_id)
        is_same = seen is not None and seen.ended_at == ended_at
        if seen is not None and is_same and seen.state is CollectionState.READY:
            self._settle(progress, seen)
            return Done()
        if seen is not None and seen.state is CollectionState.COLLECTING and seen.claimed_until > self._clock():
            return Held(seen.claimed_until)
        fresh = Collection(ended_at, progress.cursor.retry_round)
        going_on = seen if seen is not None and is_same and seen.state is CollectionState.COLLECTING else fresh
        claim = replace(going_on, token=uuid4().hex, held_until=until, beat=0.0)
        if not self._collections.write(lookup_id, claim, seen=seen):
            return Held(self._clock() + 1)
        return claim

    def _collected(self, progress: LookupRecord, claim: Collection, until: float) -> CollectionResult:
        now, files = claim, list[ResultFile]()
        try:
            while not now.is_whole:
                if now.sets > claim.sets and self._clock() > until - 2 * PUBLISHING:
                    return self._release_claim(progress, now)
                now, files = self._next_set(progress, now, until)
        except (Unequal, Gone) as error:
            return self._failed(progress, now, error)
        if not _add_up(progress.tally.counts, now.counts):
            return self._failed(progress, now, Unequal("the parts hold other counts in all than the ledger"))
        return self._published(progress, now, files)

    def _release_claim(self, progress: LookupRecord, now: Collection) -> CollectionResult:
        free = replace(now, held_until=0.0)
        if not self._collections.write(progress.spec.lookup_id, free, seen=now):
            raise Superseded
        return Unfinished()

    def _next_set(self, progress: LookupRecord, now: Collection, until: float) -> tuple[Collection, list[ResultFile]]:
        """Write one set and note it. Raises `Unequal`, `Gone` and `Superseded`."""
        writer = FileSetWriter(
            self._uploads, self._writers, progress, now, writes_changes=self._keeps_profiles(progress.spec.workspace)
        )
        try:
            written = self._filled(writer, progress, now, until)
            files = writer.sealed(may_be_held=written.is_whole and not now.sets)
        except BaseException:
            writer.abandon()
            raise
        number = now.sets + 1
        noted = FileSet(now.round, number, tuple(file.to_json() for file in files))
        written = replace(written, sets=number)
        if not self._collections.write(progress.spec.lookup_id, written, seen=now, files=noted):
            writer.abandon()
            raise Superseded
        return written, files

    def _filled(self, writer: FileSetWriter, progress: LookupRecord, now: Collection, until: float) -> Collection:
        """Write parts until one comes that has no room in the set or in the time; whole is what none comes behind."""
        written = now
        for record, rows in self._parts.after(progress.spec.lookup_id, now.mark):
            if written is not now and (self._is_full(writer) or self._clock() > until - PUBLISHING):
                return written
            writer.add(rows)
            written = replace(
                written,
                mark=record.number,
                counts=added(written.counts, record.counts),
                lost=written.lost + (0 if record.key else record.counts.requested),
            )
        return replace(written, is_whole=True)

    def _is_full(self, writer: FileSetWriter) -> bool:
        return writer.records >= self._limits.records or writer.size >= self._limits.bytes

    def _published(self, progress: LookupRecord, now: Collection, held: list[ResultFile]) -> CollectionResult:
        lookup_id = progress.spec.lookup_id
        sets = self._collections.sets(lookup_id)
        own = [one for one in sets if one.round == now.round and one.number <= now.sets and not one.export]
        noted = [ResultFile.from_json(data) for one in own for data in one.files]
        in_memory = {file.sealed.key: file for file in held}
        files = [in_memory.get(file.sealed.key, file) for file in noted]
        if any(file.sealed.held is None and not file.sealed.upload_id for file in files):
            return self._once_more(progress, now)  # they were in the memory of a function that died
        if not self._is_at(progress):
            raise Superseded
        for file in files:
            self._uploads.complete(file.sealed)
        ready = self._ready(progress, now, files)
        if not self._collections.publish(progress, ready, seen=now):
            raise Superseded  # by a retry, whose end removes these files, or by somebody who writes the same
        count(Metric.RESULTS_COLLECTED)
        self._settle(progress, ready)
        return Done()

    def _ready(self, progress: LookupRecord, now: Collection, files: list[ResultFile]) -> Collection:
        ready_at, key = self._clock(), manifest_key(progress, now)
        self._uploads.put(key, manifest(progress, now, files, ready_at), "application/json")
        return replace(
            now,
            state=CollectionState.READY,
            held_until=0.0,
            ready_at=ready_at,
            manifest=key,
            files=len(files),
            bytes=sum(file.sealed.size for file in files),
            changed=sum(file.records for file in files if file.only == CHANGED and file.format is Format.NDJSON),
        )

    def _once_more(self, progress: LookupRecord, now: Collection) -> CollectionResult:
        again = Collection(now.ended_at, now.round, token=now.token)
        if not self._collections.write(progress.spec.lookup_id, again, seen=now):
            raise Superseded
        return Unfinished()

    def _settle(self, progress: LookupRecord, ready: Collection) -> None:
        """Publish that files are ready, and delete those of ends before a retry, which would be read beside them."""
        lookup_id = progress.spec.lookup_id
        if ready.is_announced:
            return
        self._publish(progress, ready)
        for one in self._collections.sets(lookup_id):
            if one.round < ready.round:
                self._remove(lookup_id, one)
        self._collections.settle(lookup_id, ready)

    def _remove(self, lookup_id: str, files: FileSet) -> None:
        for file in map(ResultFile.from_json, files.files):
            self._uploads.remove(file.sealed.key)
        self._collections.forget(lookup_id, files)

    def _failed(self, progress: LookupRecord, now: Collection, error: Unequal | Gone) -> CollectionResult:
        """Publish nothing and say so; unless a retry of failed parts has begun, which is why they differ."""
        if not self._is_at(progress):
            raise Superseded
        reason = PARTS_GONE if isinstance(error, Gone) else UNEQUAL
        failed = replace(now, state=CollectionState.FAILED, held_until=0.0, reason=reason)
        if not self._collections.write(progress.spec.lookup_id, failed, seen=now):
            raise Superseded
        lookup_id = progress.spec.lookup_id
        logger.error("results not published", lookup_id=lookup_id, reason=str(error), runbook="Results not published")
        count(Metric.RESULTS_FAILED)
        return Done()

    def _is_at(self, progress: LookupRecord) -> bool:
        """Return whether a lookup is still at the end that it was read at."""
        now = self._ledger.get(progress.spec.lookup_id)
        return now is not None and is_over(now) and now.finished_at == progress.finished_at


def _add_up(ledger: Counts, collected: Counts) -> bool:
    outcomes = collected.found + collected.not_found + collected.invalid + collected.failed
    return ledger == collected and collected.requested == outcomes
