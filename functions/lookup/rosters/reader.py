"""Rosters in S3, read by byte range: one part at a time, from the end of the last one, never whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.errors import AwsUnavailable, Misconfigured, NotFound
from lookup.ledger.model import FeedingStep, LookupSpec, Roster
from lookup.model import PART_LIMIT, Part, RosterRange
from lookup.rosters.formats.detection import OPENING_BYTES, Format, detect_format
from lookup.rosters.formats.parsing import parse_line
from lookup.validation import ParsedIdentifier, partition, places_of_invalid

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

CHUNK = 64 * 1024  # bytes of the first ranged read: enough for a part of short lines
GROWTH = 4  # factor of each further read
STEP_BYTES = 1024 * 1024  # that one step reads at most: over twice a part of the longest lines


class RosterReader:
    """Reads the rosters in one bucket in steps."""

    def __init__(
        self, client: S3Client, bucket_name: str, *, part_size: int = PART_LIMIT, step_bytes: int = STEP_BYTES
    ) -> None:
        """`part_size` is how many entries make a part, 1 to 100; `step_bytes` is over the length of a valid line."""
        self._client = client
        self._part_size = part_size
        self._step_bytes = step_bytes
        self._bucket = bucket_name
        self._format = lru_cache(maxsize=64)(self._format_of)

    def next_step(
        self, spec: LookupSpec, *, position: int, line: int, number: str, fed_at: float
    ) -> FeedingStep | None:
        """Read the part that begins at byte `position`, which is line `line`; None at the roster's end.

        It reads `step_bytes` at most. A step may have no entry (blank lines, the inside of a line of gigabytes): it
        only moves the cursor, to its `origin.end` and `next_line`.
        """
        end = min(spec.roster.size, position + self._step_bytes)
        return self._step(spec, RosterRange(position, end, line), number, fed_at) if position < end else None

    def reread_step(self, spec: LookupSpec, origin: RosterRange, *, number: str, fed_at: float) -> FeedingStep | None:
        """Read a part again; None when it has no entry."""
        end = min(origin.end, origin.start + self._step_bytes)  # a part that ended the roster early ends there again
        step = self._step(spec, RosterRange(origin.start, end, origin.line, origin.retry_round), number, fed_at)
        return step if step.entries else None

    def _step(self, spec: LookupSpec, within: RosterRange, number: str, fed_at: float) -> FeedingStep:
        roster_format = self._format(spec.roster)
        position, line = within.start, within.line
        found: list[ParsedIdentifier] = []
        is_rest, chunks = self._open_range(spec.roster, within)
        for cut in roster_format.cut(chunks):
            is_cut = not cut.is_ended and position + cut.length < spec.roster.size
            if position >= within.end or (is_cut and position > within.start):
                break  # it begins after these bytes, or ends after them: the next step begins with it
            entry = None if is_rest else parse_line(roster_format, cut, line)
            found += [] if entry is None else [entry]
            position, line, is_rest = position + cut.length, line + cut.breaks, False
            if cut.is_last:
                position = spec.roster.size
            if len(found) == self._part_size:
                break
        origin = RosterRange(within.start, position, within.line, within.retry_round)
        return FeedingStep(_part(spec, found, number, fed_at, origin), origin, line, position - within.start)

    def _open_range(self, roster: Roster, within: RosterRange) -> tuple[bool, Iterator[bytes]]:
        """Return whether `within` begins inside a line, and the bytes from there on.

        It does after a line over the bound, of which the step before made an invalid entry.
        """
        end = min(within.end + 1, roster.size)  # one more byte: the LF behind a CR
        if within.start == 0:
            return False, self._chunks(roster, 0, end)
        chunks = self._chunks(roster, within.start - 1, end)
        first = next(chunks)
        return not self._format(roster).ends(first[:1], first[1:2]), chain([first[1:]], chunks)

    def _format_of(self, roster: Roster) -> Format:
        return detect_format(self._range(roster, 0, min(roster.size, OPENING_BYTES)))

    def _chunks(self, roster: Roster, start: int, end: int) -> Iterator[bytes]:
        at, size = start, CHUNK
        while at < end:
            until = min(at + size, end)
            yield self._range(roster, at, until)
            at, size = until, size * GROWTH

    def _range(self, roster: Roster, start: int, end: int) -> bytes:
        request: GetObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": roster.key,
            "Range": f"bytes={start}-{end - 1}",
        }
        if roster.version_id:
            request["VersionId"] = roster.version_id
        try:
            response = self._client.get_object(**request)
        except ClientError as error:
            raise translate_s3_error(error) from None
        if not response.get("ContentRange", "").startswith(f"bytes {start}-"):
            raise AwsUnavailable(f"S3 did not return the range from {start} on")  # lines would count twice
        return response["Body"].read()


def translate_s3_error(error: ClientError) -> Exception:
    """Return `NotFound` for a deleted roster, `Misconfigured` for a denied read, otherwise the error itself."""
    code = error.response["Error"]["Code"]
    if code in {"NoSuchKey", "NoSuchVersion"}:
        return NotFound("the roster is gone")
    return Misconfigured("rosters", "may not be read (AccessDenied)") if code == "AccessDenied" else error


def _part(spec: LookupSpec, found: list[ParsedIdentifier], number: str, fed_at: float, origin: RosterRange) -> Part:
    identifiers, invalid = partition(found)
    return Part(
        lookup_id=spec.lookup_id,
        number=number,
        workspace=spec.workspace,
        identifiers=identifiers,
        invalid=invalid,
        places=places_of_invalid(found),
        submitted_at=spec.submitted_at,
        fed_at=fed_at,
        max_age=spec.max_age,
        fields=spec.fields,
        origin=origin,
    )
