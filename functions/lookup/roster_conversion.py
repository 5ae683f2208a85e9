"""Rosters rewritten so that they can be read by byte ranges: gzip unpacked, JSON documents written as lines."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from lookup.roster import begun, entry_line, json_entries
from lookup.roster_format import Kind, format_of

CHUNK = 64 * 1024  # bytes that are unpacked at a time
WRITTEN_BYTES = 64 * 1024  # of lines that are handed on together
GZIP_MAGIC = b"\x1f\x8b"
# No UTF-8: whatever line it is written into, or behind, is invalid; half an identifier must not be asked for.
NOT_GZIP = b"\xff the gzip stream is not readable from here on\n"


def converted(text: Iterable[bytes]) -> Iterator[bytes]:
    """Rewrite a roster's text, streaming: lines and rows as they are, the entries of a JSON document as NDJSON.

    What is unreadable becomes one invalid line. Raises `InvalidInput` as `format_of` does.
    """
    opening, whole = begun(text)
    if format_of(opening).kind is Kind.JSON:
        return _as_lines(opening, whole)
    return whole


def text_of(chunks: Iterable[bytes], *, quietly: bool = False) -> Iterator[bytes]:
    """Unpack a roster if it is gzip; `quietly` leaves out the mark where the stream turns unreadable."""
    remaining = iter(chunks)
    first = next(remaining, b"")
    while len(first) < len(GZIP_MAGIC):
        more = next(remaining, None)
        if more is None:
            break
        first += more
    joined = _behind(first, remaining)
    return unpacked(joined, quietly=quietly) if first.startswith(GZIP_MAGIC) else joined


def _behind(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def unpacked(chunks: Iterable[bytes], *, quietly: bool = False) -> Iterator[bytes]:
    """Unpack gzip, several members too, never holding more than a chunk of the result."""
    unpacker, begun_member = zlib.decompressobj(wbits=31), False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                begun_member = True
                yield unpacker.decompress(rest, CHUNK)
                rest = unpacker.unconsumed_tail
                if unpacker.eof:
                    rest, unpacker, begun_member = unpacker.unused_data, zlib.decompressobj(wbits=31), False
    except zlib.error:
        begun_member = True
    if begun_member and not quietly:  # broken, or cut off before its end
        yield NOT_GZIP


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
