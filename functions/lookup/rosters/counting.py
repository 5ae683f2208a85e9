"""The number of entries of a roster, counted as the feeder reads them: for partners with a limit of users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lookup.rosters.formats.detection import Format, Kind, detect_format
from lookup.rosters.formats.parsing import json_entries, peek

COUNTED_BYTES = 512 * 1024  # of text within a request: at most half a second, about 40,000 typical identifiers


def count_entries(chunks: Iterable[bytes], most: int, *, size: int | None = COUNTED_BYTES) -> tuple[int, bool]:
    """Return the number of entries up to `most` and one more, within the first `size` bytes, and whether it is all.

    Without `size` every byte is read. Raises `InvalidInput` as `detect_format` does.
    """
    budget = _Budget(size)
    opening, whole = peek(budget.take(chunks))
    written = detect_format(opening)
    found = json_entries(opening, whole) if written.kind is Kind.JSON else _contents(written, whole)
    counted = sum(1 for _ in islice(found, most + 1))
    return counted, counted <= most and not budget.is_spent


def _contents(written: Format, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of each line that is an entry."""
    number = 1
    for line in written.cut(chunks):
        content = written.content(line, number)
        if content is not None:
            yield content
        number += line.breaks


class _Budget:
    """Passes chunks on until their bytes exceed the size; without a size all of them."""

    def __init__(self, size: int | None) -> None:
        self._left = size
        self.is_spent = False

    def take(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._left is not None:
                if self._left < len(chunk):
                    self.is_spent = True
                    return
                self._left -= len(chunk)
            yield chunk
