"""Rosters in S3, read by byte range: a part at a time, from wherever the last one ended, never whole."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from lookup.errors import AwsTrouble, Misconfigured, Missing
from lookup.intake import Entry, sorted_out
from lookup.lookup_model import LookupSpec, Roster, Segment
from lookup.model import PART_LIMIT, Origin, Part
from lookup.roster import LINE_BYTES, ReadLine, entry_of, reader_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

CHUNK = 64 * 1024  # bytes of the first ranged read: a part of short lines comes with one
GROWTH = 4  # times as much with each further read
STEP_BYTES = 1024 * 1024  # that one step reads at most: over twice what a part of the longest lines takes


class Line(NamedTuple):
    """One line without its end, its whole length in bytes, and whether its end was seen."""

    text: bytes
    length: int
    is_ended: bool


class RosterReader:
    """Pieces of the rosters in one bucket."""

    def __init__(
        self, client: S3Client, bucket_name: str, *, part_size: int = PART_LIMIT, step_bytes: int = STEP_BYTES
    ) -> None:
        """`part_size` is how many entries make a part, 1 to 100; `step_bytes` is over the length of a valid line."""
        self._client = client
        self._part_size = part_size
        self._step_bytes = step_bytes
        self._bucket = bucket_name
        self._reader = lru_cache(maxsize=64)(self._read_opening)

    def next_segment(self, spec: LookupSpec, *, position: int, line: int, number: str, fed_at: float) -> Segment | None:
        """Read the part that begins at byte `position`, which is line `line`; None at the roster's end.

        It reads `step_bytes` at most. What it finds there may be no entry at all (blank lines, the inside of one line
        of gigabytes): such a segment only moves the cursor on, to its `origin.end` and `next_line`.
        """
        end = min(spec.roster.size, position + self._step_bytes)
        return self._segment(spec, Origin(position, end, line), number, fed_at) if position < end else None

    def same_segment(self, spec: LookupSpec, origin: Origin, *, number: str, fed_at: float) -> Segment | None:
        """Read a part again, just as it was; None when there is no entry in it."""
        segment = self._segment(spec, origin, number, fed_at)
        return segment if segment.entries else None

    def _segment(self, spec: LookupSpec, within: Origin, number: str, fed_at: float) -> Segment:
        read, header_line = self._reader(spec.roster)
        position, line = within.start, within.line
        found: list[Entry] = []
        before, chunks = self._entered(spec.roster, within)
        is_rest = before != b"\n"  # of a line over the bound: the step before made an invalid entry of it
        for text, length, is_ended in lines(chunks):
            if not is_ended and within.end < spec.roster.size and position > within.start:
                break  # the bytes end inside this line: the next step begins with it
            content = text.removeprefix(codecs.BOM_UTF8) if line == 1 else text
            if content.strip() and line != header_line and not is_rest:
                found.append(entry_of(read, content, line))
            position, line, is_rest = position + length, line + is_ended, False
            if len(found) == self._part_size:
                break
        origin = Origin(within.start, position, within.line, within.round)
        return Segment(_part(spec, found, number, fed_at, origin), origin, line)

    def _entered(self, roster: Roster, within: Origin) -> tuple[bytes, Iterator[bytes]]:
        """Give the byte before `within`, a line end where the roster begins, and the bytes from there on."""
        if within.start == 0:
            return b"\n", self._chunks(roster, 0, within.end)
        chunks = self._chunks(roster, within.start - 1, within.end)
        first = next(chunks)
        return first[:1], chain([first[1:]], chunks)

    def _read_opening(self, roster: Roster) -> tuple[ReadLine, int | None]:
        """Choose how to read by the first line that is not blank; give its number too if it is a header.

        It is in the first chunk: a roster that has none there is not accepted.
        """
        for number, opening in filled_lines(self._chunks(roster, 0, min(roster.size, CHUNK))):
            read, is_header = reader_of(opening)
            return read, number if is_header else None
        return str, None

    def _chunks(self, roster: Roster, start: int, end: int) -> Iterator[bytes]:
        at, size = start, CHUNK
        while at < end:
            until = min(at + size, end)
            yield self._range(roster, at, until)
            at, size = until, size * GROWTH

    def _range(self, roster: Roster, start: int, end: int) -> bytes:
        wanted: GetObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": roster.key,
            "Range": f"bytes={start}-{end - 1}",
        }
        if roster.version_id:
            wanted["VersionId"] = roster.version_id
        try:
            answer = self._client.get_object(**wanted)
        except ClientError as error:
            raise gone_or(error) from None
        if not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
            raise AwsTrouble(f"S3 did not answer with the range from {start} on")  # else lines would count twice
        return answer["Body"].read()


def gone_or(error: ClientError) -> Exception:
    """Say that a roster is gone, by its retention or by hand, or may not be read; else give the error back."""
    code = error.response["Error"]["Code"]
    if code in {"NoSuchKey", "NoSuchVersion"}:
        return Missing("the roster is gone")
    return Misconfigured("rosters", "may not be read (AccessDenied)") if code == "AccessDenied" else error


def lines(chunks: Iterable[bytes]) -> Iterator[Line]:
    """Cut bytes into lines; of the last one the end may be missing.

    What is over 4 KB is cut off soon after: two bytes are kept, so that it stays too long without a CR at its end.
    """
    kept, length = b"", 0
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield Line((kept + piece)[: LINE_BYTES + 2].removesuffix(b"\r"), length + len(piece) + 1, is_ended=True)
            kept, length = b"", 0
        kept, length = (kept + rest)[: LINE_BYTES + 2], length + len(rest)
    if length:
        yield Line(kept.removesuffix(b"\r"), length, is_ended=False)


def filled_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number a roster's lines; give those that are not blank, the first line without its byte order mark."""
    for number, (text, _, _) in enumerate(lines(chunks), 1):
        content = text.removeprefix(codecs.BOM_UTF8) if number == 1 else text
        if content.strip():
            yield number, content


def _part(spec: LookupSpec, found: list[Entry], number: str, fed_at: float, origin: Origin) -> Part:
    identifiers, invalid = sorted_out(found)
    return Part(
        lookup_id=spec.lookup_id,
        number=number,
        workspace=spec.workspace,
        identifiers=identifiers,
        invalid=invalid,
        submitted_at=spec.submitted_at,
        fed_at=fed_at,
        max_age=spec.max_age,
        fields=spec.fields,
        origin=origin,
    )
