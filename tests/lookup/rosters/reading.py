"""A roster as a lookup meets it: checked, converted if it must be, and read part by part from byte ranges."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from lookup.ledger.model import FeedingStep, LookupSpec, Roster
from lookup.model import Identifier, IdentifierType, InvalidIdentifier
from lookup.rosters.copies import decompressed_text, to_lines
from lookup.rosters.formats.detection import OPENING_BYTES
from lookup.rosters.formats.lines import Line
from lookup.rosters.preview import check_opening
from lookup.rosters.reader import STEP_BYTES, RosterReader
from lookup.validation import ParsedIdentifier

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Objects:
    """One object, read in ranges as from S3; `read` counts the bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.read = 0

    def get_object(self, **asked: Any) -> dict[str, Any]:
        first, last = asked["Range"].removeprefix("bytes=").split("-")
        given = self.body[int(first) : int(last) + 1]
        self.read += len(given)
        return {"Body": io.BytesIO(given), "ContentRange": f"bytes {first}-{last}/{len(self.body)}"}


def spec_of(body: bytes) -> LookupSpec:
    return LookupSpec("one", "default", "acme", 0.0, Roster("key", None, len(body), 1))


def segments(body: bytes, part_size: int, step_bytes: int = STEP_BYTES) -> list[FeedingStep]:
    """Read a roster's parts, each with a reader of its own; each is read again and is the same."""
    spec, position, line, read = spec_of(body), 0, 1, list[FeedingStep]()
    while True:
        client = cast("S3Client", Objects(body))
        reader = RosterReader(client, "bucket", part_size=part_size, step_bytes=step_bytes)
        found = reader.next_step(spec, position=position, line=line, number=f"{len(read)}", fed_at=1.0)
        if found is None:
            return read
        again = reader.reread_step(spec, found.origin, number=found.part.number, fed_at=1.0)
        assert again == (found if found.entries else None)
        read.append(found)
        position, line = found.origin.end, found.next_line


def accepted(body: bytes) -> bytes:
    """Check an upload; give the text that its parts are read from. Raises `InvalidInput` when it is refused."""
    text = b"".join(decompressed_text([body]))
    check_opening(text[:OPENING_BYTES], is_whole=len(text) <= OPENING_BYTES)
    return b"".join(to_lines(decompressed_text(body[at : at + 1000] for at in range(0, len(body), 1000))))


def read(body: bytes, part_size: int = 100) -> list[ParsedIdentifier]:
    """Read an upload's usable entries, then its invalid ones, each in their order."""
    parts = [segment.part for segment in segments(accepted(body), part_size)]
    usable: list[ParsedIdentifier] = [one for part in parts for one in part.identifiers]
    return usable + [one for part in parts for one in part.invalid]


def customers(*ids: str) -> list[ParsedIdentifier]:
    return [Identifier(IdentifierType.CUSTOMER_ID, one) for one in ids]


def asked(body: bytes, part_size: int = 100) -> tuple[list[str], list[tuple[int | None, str]]]:
    """Return the requested identifiers, and line and reason of what is invalid."""
    found = read(body, part_size)
    invalid = [(one.line, one.reason) for one in found if isinstance(one, InvalidIdentifier)]
    return [one.identifier for one in found if isinstance(one, Identifier)], invalid


def merged(cut: Iterable[Line]) -> list[Line]:
    """Join blank lines that follow one another, as runs of them may come in one or in several."""
    joined: list[Line] = []
    for line in cut:
        last = joined[-1] if joined else None
        if last is not None and not last.text.strip() and not line.text.strip() and line.is_ended:
            text = last.text + b"\n" + line.text
            joined[-1] = last._replace(text=text, length=last.length + line.length, breaks=last.breaks + line.breaks)
        else:
            joined.append(line)
    return joined
