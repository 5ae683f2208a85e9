"""Rosters rewritten so that they can be read by byte ranges: gzip unpacked, JSON documents written as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lookup.rosters.formats.detection import Kind, detect_format
from lookup.rosters.formats.parsing import entry_line, json_entries, peek
from lookup.rosters.unpacking import GZIP_MAGIC, Bounds, Unpacker

CHUNK = 64 * 1024  # bytes unpacked at once
OUTPUT_BYTES = 64 * 1024  # of lines that are yielded together


def to_lines(text: Iterable[bytes]) -> Iterator[bytes]:
    """Rewrite a roster's text, streaming: lines and rows as they are, the entries of a JSON document as NDJSON.

    An unreadable rest becomes one invalid line. Raises `InvalidInput` as `detect_format` does.
    """
    opening, whole = peek(text)
    if detect_format(opening).kind is Kind.JSON:
        return _as_lines(opening, whole)
    return whole


def unpacked_text(
    chunks: Iterable[bytes], *, bounds: Bounds | None = None, omit_error_line: bool = False
) -> Iterator[bytes]:
    """Return a roster's text, unpacked within bounds if it is gzip; `omit_error_line` as in `Unpacker.unpack`."""
    remaining = iter(chunks)
    first = next(remaining, b"")
    while len(first) < len(GZIP_MAGIC):
        more = next(remaining, None)
        if more is None:
            break
        first += more
    joined = _chained(first, remaining)
    if not first.startswith(GZIP_MAGIC):
        return joined
    return Unpacker(bounds or Bounds(), piece=CHUNK).unpack(joined, omit_error_line=omit_error_line)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _as_lines(opening: bytes, whole: Iterable[bytes]) -> Iterator[bytes]:
    """Yield entries as lines, many together: an upload of each alone would be slow."""
    written = bytearray()
    for entry in json_entries(opening, whole):
        written += entry_line(entry)
        if len(written) >= OUTPUT_BYTES:
            yield bytes(written)
            written.clear()
    if written:
        yield bytes(written)
