"""An export: a lookup's files in one more format, made of its collected NDJSON files once somebody asks for it.

As when it is collected: set by set, each noted, and all of them made visible at the end; whoever comes next goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from lookup.collection.collection_result import Busy, CollectionResult, Done, Held, Unfinished
from lookup.collection.collector import PARTS_GONE, PUBLISHING, UNEQUAL, Claimed, nobody
from lookup.collection.errors import Gone, Superseded, Unequal
from lookup.collection.exports.collected_rows import CollectedRows
from lookup.collection.file_sets import MakeWriter
from lookup.collection.files import ENDINGS, Format, ResultFile, key_of
from lookup.collection.upload import Uploads
from lookup.ledger.collecting.collection_slots import LARGE, CollectionSlots
from lookup.ledger.collecting.collections import Collection, CollectionLedger, CollectionState, FileSet, is_over
from lookup.ledger.collecting.export_ledger import ExportLedger
from lookup.ledger.collecting.exports import Export, ExportState
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.model import Clock
from lookup.telemetry import Metric, count, logger


class Exporter:
    """Makes exports."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        collections: CollectionLedger,
        exports: ExportLedger,
        rows: CollectedRows,
        uploads: Uploads,
        writers: Mapping[Format, MakeWriter],
        clock: Clock,
        slots: CollectionSlots | None = None,
    ) -> None:
        self._ledger = ledger
        self._collections = collections
        self._exports = exports
        self._rows = rows
        self._uploads = uploads
        self._writers = writers
        self._clock = clock
        self._slots = slots

    def export(
        self, lookup_id: str, written_as: Format, *, until: float, claimed: Claimed = nobody
    ) -> CollectionResult:
        """Make an export that was asked for, until `until` (epoch seconds); `claimed` as for a collection."""
        progress, seen = self._ledger.get(lookup_id), self._collections.read(lookup_id)
        if progress is None:
            return Done()
        if seen is None or not _is_under_way(progress, seen, written_as):
            self._exports.forget(progress.spec.partner, lookup_id, written_as)
            return Done()
        if seen.claimed_until > self._clock():
            return Held(seen.claimed_until)
        work, partner = f"{lookup_id}#{written_as}", progress.spec.partner
        is_large = self._slots is not None and seen.counts.requested >= LARGE
        if self._slots is not None and is_large and not self._slots.take(partner, work, until=until):
            return Busy()
        try:
            return self._export(progress, seen, written_as, until, claimed)
        except Superseded:
            return Done()
        finally:
            if self._slots is not None and is_large:
                self._slots.release(partner, work)

    def _export(
        self, progress: LookupRecord, seen: Collection, written_as: Format, until: float, claimed: Claimed
    ) -> CollectionResult:
        lookup_id = progress.spec.lookup_id
        claim = self._exports.claim(lookup_id, seen, token=uuid4().hex, until=until)
        if claim is None:
            return Held(self._clock() + 1)
        claimed(lookup_id, claim.token)
        try:
            return self._made(progress, claim, written_as, until)
        except (Unequal, Gone) as error:
            return self._failed(progress, claim, written_as, error)

    def _made(self, progress: LookupRecord, claim: Collection, written_as: Format, until: float) -> CollectionResult:
        lookup_id, export, held = progress.spec.lookup_id, claim.exports[written_as], list[ResultFile]()
        begun_at = export.sets
        sources = self._sources(lookup_id, claim)
        for number in sorted(set(sources) - set(range(1, export.sets + 1))):
            if export.sets > begun_at and self._clock() > until - 2 * PUBLISHING:
                self._exports.release(lookup_id, claim)
                return Unfinished()
            files = self._written(progress, claim, number, written_as, sources[number], is_only=len(sources) == 1)
            noted = FileSet(claim.round, number, tuple(file.to_json() for file in files), written_as.value)
            export = replace(export, sets=number)
            if not self._exports.note_set(lookup_id, claim, written_as, export, noted):
                _abandon(self._uploads, files)
                raise Superseded
            held = files
        return self._published(progress, claim, written_as, export, held)

    def _sources(self, lookup_id: str, claim: Collection) -> dict[int, list[ResultFile]]:
        """Return the NDJSON files of each set of this round: all records, and the changes by themselves."""
        own = [one for one in self._collections.sets(lookup_id) if one.round == claim.round and not one.export]
        read = {one.number: [ResultFile.from_json(data) for data in one.files] for one in own}
        return {number: [file for file in files if file.format is Format.NDJSON] for number, files in read.items()}

    def _written(
        self,
        progress: LookupRecord,
        claim: Collection,
        number: int,
        written_as: Format,
        sources: list[ResultFile],
        *,
        is_only: bool,
    ) -> list[ResultFile]:
        files: list[ResultFile] = []
        try:
            for source in sources:
                key = key_of(progress, claim, number, written_as, source.only)
                files.append(self._copied(progress, key, written_as, source, is_only=is_only))
        except BaseException:
            _abandon(self._uploads, files)
            raise
        return files

    def _copied(
        self, progress: LookupRecord, key: str, written_as: Format, source: ResultFile, *, is_only: bool
    ) -> ResultFile:
        upload = self._uploads.begin(key, ENDINGS[written_as][1])
        try:
            writer = self._writers[written_as](upload, progress.spec)
            for batch in self._rows.batches(source):
                writer.add(batch)
            writer.close()
            return ResultFile(upload.sealed(may_be_held=is_only), written_as, source.only, source.records)
        except BaseException:
            upload.abandon()
            raise

    def _published(
        self, progress: LookupRecord, claim: Collection, written_as: Format, export: Export, held: list[ResultFile]
    ) -> CollectionResult:
        lookup_id = progress.spec.lookup_id
        in_memory = {file.sealed.key: file for file in held}
        own = [
            one
            for one in self._collections.sets(lookup_id)
            if (one.round, one.export) == (claim.round, written_as.value)
        ]
        noted = [ResultFile.from_json(data) for one in own for data in one.files]
        files = [in_memory.get(file.sealed.key, file) for file in noted]
        if any(file.sealed.held is None and not file.sealed.upload_id for file in files):
            again = Export(export.requested_at)  # they were in the memory of a function that died
            return self._finish(progress, claim, written_as, again, Unfinished())
        if not self._is_at(progress):
            raise Superseded
        for file in files:
            self._uploads.complete(file.sealed)
        size = sum(file.sealed.size for file in files)
        ready = replace(export, state=ExportState.READY, files=len(files), bytes=size, ready_at=self._clock())
        return self._finish(progress, claim, written_as, ready, Done())

    def _finish(
        self, progress: LookupRecord, claim: Collection, written_as: Format, export: Export, result: CollectionResult
    ) -> CollectionResult:
        if not self._exports.finish(progress, claim, written_as, export):
            raise Superseded
        return result

    def _failed(
        self, progress: LookupRecord, claim: Collection, written_as: Format, error: Unequal | Gone
    ) -> CollectionResult:
        if not self._is_at(progress):
            raise Superseded
        reason = PARTS_GONE if isinstance(error, Gone) else UNEQUAL
        lookup_id = progress.spec.lookup_id
        logger.error("export not published", lookup_id=lookup_id, reason=str(error), runbook="Results not published")
        count(Metric.RESULTS_FAILED)
        failed = replace(claim.exports[written_as], state=ExportState.FAILED, sets=0, reason=reason)
        return self._finish(progress, claim, written_as, failed, Done())

    def _is_at(self, progress: LookupRecord) -> bool:
        now = self._ledger.get(progress.spec.lookup_id)
        return now is not None and is_over(now) and now.finished_at == progress.finished_at


def _is_under_way(progress: LookupRecord, seen: Collection, written_as: Format) -> bool:
    export = seen.exports.get(written_as)
    is_at_this_end = is_over(progress) and seen.ended_at == progress.finished_at
    is_asked_for = export is not None and export.state is ExportState.COLLECTING
    return is_at_this_end and seen.state is CollectionState.READY and is_asked_for


def _abandon(uploads: Uploads, files: list[ResultFile]) -> None:
    for file in files:
        if file.sealed.upload_id:
            uploads.abort(file.sealed.key, file.sealed.upload_id)
