"""Rosters rewritten so that they can be read by byte ranges: gzip unpacked, JSON documents written as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lookup.rosters.formats.detection import Kind, detect_format
from lookup.rosters.formats.parsing import begun, entry_line, json_entries
from lookup.rosters.unpacking import GZIP_MAGIC, Bounds, Unpacker

CHUNK = 64 * 1024  # bytes that are unpacked at a time
WRITTEN_BYTES = 64 * 1024  # of lines that are handed on together


def converted(text: Iterable[bytes]) -> Iterator[bytes]:
    """Rewrite a roster's text, streaming: lines and rows as they are, the entries of a JSON document as NDJSON.

    What is unreadable becomes one invalid line. Raises `InvalidInput` as `detect_format` does.
    """
    opening, whole = begun(text)
    if detect_format(opening).kind is Kind.JSON:
        return _as_lines(opening, whole)
    return whole


def text_of(chunks: Iterable[bytes], *, bounds: Bounds | None = None, quietly: bool = False) -> Iterator[bytes]:
    """Unpack a roster if it is gzip, within bounds; `quietly` leaves out the mark where the stream turns unreadable."""
    remaining = iter(chunks)
    first = next(remaining, b"")
    while len(first) < len(GZIP_MAGIC):
        more = next(remaining, None)
        if more is None:
            break
        first += more
    joined = _behind(first, remaining)
    if not first.startswith(GZIP_MAGIC):
        return joined
    return Unpacker(bounds or Bounds(), piece=CHUNK).unpacked(joined, quietly=quietly)


def _behind(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _as_lines(opening: bytes, whole: Iterable[bytes]) -> Iterator[bytes]:
    """Write entries as lines, many together: an upload of each alone would be slow."""
    written = bytearray()
    for entry in json_entries(opening, whole):
        written += entry_line(entry)
        if len(written) >= WRITTEN_BYTES:
            yield bytes(written)
            written.clear()
    if written:
        yield bytes(written)
