"""Gzip unpacked as a stream, several members too, within bounds of size and ratio: a small file may hold a huge one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lookup.errors import InvalidInput

GZIP_MAGIC = b"\x1f\x8b"
# No UTF-8: whatever line it is written into, or behind, is invalid; half an identifier must not be asked for.
NOT_GZIP = b"\xff the gzip stream is not readable from here on\n"
MEGABYTE = 1024 * 1024
RATIO_FREE = MEGABYTE  # bytes of text that any ratio may have: what takes no time to unpack


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most `megabytes` of text, and `ratio` times what was packed: a list of identifiers has 3 to 30."""

    megabytes: int = 1024
    ratio: int = 100

    def check(self, packed: int, text: int) -> None:
        """Raise `InvalidInput` when `packed` bytes gave more than they may."""
        if text > self.megabytes * MEGABYTE:
            raise InvalidInput("roster", f"unpacks to over {self.megabytes} MB")
        if text > max(RATIO_FREE, self.ratio * packed):
            raise InvalidInput("roster", f"unpacks to over {self.ratio} times its size")


class Unpacker:
    """Unpacks chunks of gzip, never holding more than `piece` bytes of text; counts `packed` and `text` bytes."""

    def __init__(self, bounds: Bounds, *, piece: int) -> None:
        self._bounds = bounds
        self._piece = piece
        self._begun = False
        self.packed = 0
        self.text = 0

    def unpacked(self, chunks: Iterable[bytes], *, quietly: bool = False) -> Iterator[bytes]:
        """Yield the text; what is unreadable or cut off ends with a line that says so, unless `quietly`.

        Raises `InvalidInput` as soon as the bounds are passed.
        """
        try:
            yield from self._pieces(chunks)
        except zlib.error:
            self._begun = True
        if self._begun and not quietly:
            yield NOT_GZIP

    def _pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(wbits=31)
        for chunk in chunks:
            rest = chunk
            while rest:
                self._begun = True
                piece, before = unpacker.decompress(rest, self._piece), len(rest)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                self._counted(before - len(rest), len(piece))
                yield piece
                if unpacker.eof:
                    unpacker, self._begun = zlib.decompressobj(wbits=31), False

    def _counted(self, packed: int, text: int) -> None:
        self.packed += packed
        self.text += text
        self._bounds.check(self.packed, self.text)
