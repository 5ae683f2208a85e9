"""Rosters in S3, read by byte range: a part at a time, from wherever the last one ended, never whole."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lookup.errors import AwsTrouble, Misconfigured, Missing
from lookup.intake import Entry, sorted_out
from lookup.lookup_model import LookupSpec, Roster, Segment
from lookup.model import PART_LIMIT, Origin, Part
from lookup.roster import LINE_BYTES, ReadLine, entry_of, reader_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

CHUNK = 64 * 1024  # bytes of one ranged read: a part of short lines comes with one


class RosterReader:
    """Pieces of the rosters in one bucket."""

    def __init__(self, client: S3Client, bucket_name: str, *, part_size: int = PART_LIMIT) -> None:
        """`part_size` is how many entries make a part, 1 to 100."""
        self._client = client
        self._part_size = part_size
        self._bucket = bucket_name
        self._reader = lru_cache(maxsize=64)(self._read_opening)

    def next_segment(self, spec: LookupSpec, *, position: int, line: int, number: str, fed_at: float) -> Segment | None:
        """Read the part that begins at byte `position`, which is line `line`; None at the roster's end."""
        return self._segment(spec, Origin(position, spec.roster.size, line), number, fed_at)

    def same_segment(self, spec: LookupSpec, origin: Origin, *, number: str, fed_at: float) -> Segment | None:
        """Read a part again, just as it was."""
        return self._segment(spec, origin, number, fed_at)

    def _segment(self, spec: LookupSpec, within: Origin, number: str, fed_at: float) -> Segment | None:
        read, header_line = self._reader(spec.roster)
        position, line = within.start, within.line
        found: list[Entry] = []
        for text, length in lines(self._chunks(spec.roster, within.start, within.end)):
            content = text.removeprefix(codecs.BOM_UTF8) if line == 1 else text
            if content.strip() and line != header_line:
                found.append(entry_of(read, content, line))
            position, line = position + length, line + 1
            if len(found) == self._part_size:
                break
        if not found:
            return None
        origin = Origin(within.start, position, within.line, within.round)
        return Segment(_part(spec, found, number, fed_at, origin), origin, line)

    def _read_opening(self, roster: Roster) -> tuple[ReadLine, int | None]:
        """Choose how to read by the first line that is not blank; give its number too if it is a header."""
        for number, opening in filled_lines(self._chunks(roster, 0, roster.size)):
            read, is_header = reader_of(opening)
            return read, number if is_header else None
        return str, None

    def _chunks(self, roster: Roster, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, CHUNK):
            wanted: GetObjectRequestTypeDef = {
                "Bucket": self._bucket,
                "Key": roster.key,
                "Range": f"bytes={at}-{min(at + CHUNK, end) - 1}",
            }
            if roster.version_id:
                wanted["VersionId"] = roster.version_id
            try:
                answer = self._client.get_object(**wanted)
            except ClientError as error:
                raise gone_or(error) from None
            if not answer.get("ContentRange", "").startswith(f"bytes {at}-"):
                raise AwsTrouble(f"S3 did not answer with the range from {at} on")  # else lines would count twice
            yield answer["Body"].read()


def gone_or(error: ClientError) -> Exception:
    """Say that a roster is gone, by its retention or by hand, or may not be read; else give the error back."""
    code = error.response["Error"]["Code"]
    if code in {"NoSuchKey", "NoSuchVersion"}:
        return Missing("the roster is gone")
    return Misconfigured("rosters", "may not be read (AccessDenied)") if code == "AccessDenied" else error


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Cut bytes into lines: each without its end, and with its whole length in bytes.

    What is over 4 KB is cut off soon after: two bytes are kept, so that it stays too long without a CR at its end.
    """
    kept, length = b"", 0
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield (kept + piece)[: LINE_BYTES + 2].removesuffix(b"\r"), length + len(piece) + 1
            kept, length = b"", 0
        kept, length = (kept + rest)[: LINE_BYTES + 2], length + len(rest)
    if length:
        yield kept.removesuffix(b"\r"), length


def filled_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number a roster's lines; give those that are not blank, the first line without its byte order mark."""
    for number, (text, _) in enumerate(lines(chunks), 1):
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
