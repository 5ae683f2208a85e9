"""The next piece of a lookup's roster, read in a bounded step: in the first round by bytes, in a retry by parts."""

from __future__ import annotations

from lookup.ledger.feeding import LedgerFeed, Step
from lookup.ledger.model import LookupSpec, Progress, Segment
from lookup.model import Origin, Part
from lookup.rosters.reader import RosterReader

SCAN_BYTES = 100_000  # that looking through the records of parts counts as


class FeedingSteps:
    """Reads what comes after a lookup's cursor."""

    def __init__(self, feed: LedgerFeed, reader: RosterReader) -> None:
        self._feed = feed
        self._reader = reader

    def next(self, progress: Progress, fed_at: float) -> Step:
        """Read the step at the cursor. Raises `Missing` when the roster is gone, `Misconfigured` if it is barred."""
        return self._first(progress, fed_at) if progress.cursor.round == 0 else self._retried(progress)

    def _first(self, progress: Progress, fed_at: float) -> Step:
        spec, cursor = progress.spec, progress.cursor
        segment = self._reader.next_segment(
            spec, position=cursor.position, line=cursor.line, number=f"{cursor.parts_fed + 1:08}", fed_at=fed_at
        )
        if segment is None:
            return Step(_empty(spec, cursor.position, cursor.line, 0), 0, is_last=True)
        length = segment.origin.end - segment.origin.start
        return Step(segment, length, segment.entries, is_last=segment.origin.end >= spec.roster.size)

    def _retried(self, progress: Progress) -> Step:
        spec, cursor = progress.spec, progress.cursor
        record, mark = self._feed.failed_after(spec.lookup_id, cursor)
        empty = _empty(spec, cursor.position, cursor.line, cursor.round)
        if record is None:
            return Step(empty, SCAN_BYTES, is_last=not mark, retried_after=mark)
        origin = Origin(record.origin.start, record.origin.end, record.origin.line, cursor.round)
        segment = self._reader.same_segment(spec, origin, number=record.number, fed_at=record.fed_at)
        length = origin.end - origin.start
        return Step(segment or empty, length, record.counts.failed, retried_after=mark)


def _empty(spec: LookupSpec, position: int, line: int, tried_in: int) -> Segment:
    """Make a piece that holds nothing and moves nothing on."""
    part = Part(
        lookup_id=spec.lookup_id, number="", workspace=spec.workspace, identifiers=(), submitted_at=spec.submitted_at,
        fed_at=0.0,
    )  # fmt: skip
    return Segment(part, Origin(position, position, line, tried_in), line)
