"""How many entries a roster holds, counted as the feeder will read them: for partners whose users are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lookup.rosters.formats.detection import Format, Kind, detect_format
from lookup.rosters.formats.parsing import begun, json_entries

COUNTED_BYTES = 512 * 1024  # of text within a request: half a second at the worst, and some 40,000 usual identifiers


def count_entries(chunks: Iterable[bytes], most: int, *, size: int | None = COUNTED_BYTES) -> tuple[int, bool]:
    """Count entries until they are more than `most`, within the first `size` bytes; tell whether these are all.

    Without `size` every byte is read.

    Raises `InvalidInput` as `detect_format` does.
    """
    budget = _Budget(size)
    opening, whole = begun(budget.taken(chunks))
    written = detect_format(opening)
    found = json_entries(opening, whole) if written.kind is Kind.JSON else _filled(written, whole)
    counted = sum(1 for _ in islice(found, most + 1))
    return counted, counted <= most and not budget.is_spent


def _filled(written: Format, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return what is to be read of each line that is an entry."""
    number = 1
    for line in written.cut(chunks):
        content = written.content(line, number)
        if content is not None:
            yield content
        number += line.breaks


class _Budget:
    """Lets chunks pass until their bytes are spent; without a size all of them."""

    def __init__(self, size: int | None) -> None:
        self._left = size
        self.is_spent = False

    def taken(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._left is not None:
                if self._left < len(chunk):
                    self.is_spent = True
                    return
                self._left -= len(chunk)
            yield chunk
