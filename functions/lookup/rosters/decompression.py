"""Gzip decompressed as a stream, of any number of members, within bounds of size and ratio against zip bombs."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lookup.errors import InvalidInput

GZIP_MAGIC = b"\x1f\x8b"
# Not UTF-8: the line that it ends or follows is invalid, so that half an identifier is never sent.
BROKEN_GZIP_LINE = b"\xff the gzip stream is not readable from here on\n"
MEGABYTE = 1024 * 1024
UNCHECKED_BYTES = MEGABYTE  # bytes of text of any ratio: too few to take time


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most `megabytes` of text, and `ratio` times the packed bytes: a list of identifiers has 3 to 30."""

    megabytes: int = 1024
    ratio: int = 100

    def check(self, packed: int, text: int) -> None:
        """Raise `InvalidInput` when `packed` bytes hold more `text` than allowed."""
        if text > self.megabytes * MEGABYTE:
            raise InvalidInput("roster", f"unpacks to over {self.megabytes} MB")
        if text > max(UNCHECKED_BYTES, self.ratio * packed):
            raise InvalidInput("roster", f"unpacks to over {self.ratio} times its size")


class Decompressor:
    """Decompresses chunks of gzip, never holding more than `piece` bytes of text; counts `packed` and `text` bytes."""

    def __init__(self, bounds: Bounds, *, piece: int) -> None:
        self._bounds = bounds
        self._piece = piece
        self._is_open = False
        self.packed = 0
        self.text = 0

    def decompress(self, chunks: Iterable[bytes], *, omit_error_line: bool = False) -> Iterator[bytes]:
        """Yield the text; a broken stream ends with `BROKEN_GZIP_LINE`, unless `omit_error_line`.

        Raises `InvalidInput` as soon as the bounds are exceeded.
        """
        try:
            yield from self._pieces(chunks)
        except zlib.error:
            self._is_open = True
        if self._is_open and not omit_error_line:
            yield BROKEN_GZIP_LINE

    def _pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        stream = zlib.decompressobj(wbits=31)
        for chunk in chunks:
            rest = chunk
            while rest:
                self._is_open = True
                piece, before = stream.decompress(rest, self._piece), len(rest)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
                self._count(before - len(rest), len(piece))
                yield piece
                if stream.eof:
                    stream, self._is_open = zlib.decompressobj(wbits=31), False

    def _count(self, packed: int, text: int) -> None:
        self.packed += packed
        self.text += text
        self._bounds.check(self.packed, self.text)
