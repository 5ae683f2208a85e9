"""How many entries a roster holds, counted as the feeder will read them: for partners whose users are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from lookup.roster import reader_of
from lookup.roster_reader import filled_lines

COUNTED_BYTES = 256 * 1024 * 1024  # of text: some seconds of reading, and more than a day's quota of users


def count_entries(chunks: Iterable[bytes], most: int, *, size: int = COUNTED_BYTES) -> tuple[int, bool]:
    """Count entries until they are more than `most`, within the first `size` bytes; tell whether these are all.

    Raises `InvalidInput` as `reader_of` does.
    """
    budget = _Budget(size)
    filled = (text for _, text in filled_lines(budget.taken(chunks)))
    first = next(filled, None)
    if first is None:
        return 0, not budget.is_spent
    rest = filled if reader_of(first)[1] else chain([first], filled)
    counted = sum(1 for _ in islice(rest, most + 1))
    return counted, counted <= most and not budget.is_spent


class _Budget:
    """Lets chunks pass until their bytes are spent."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.is_spent = False

    def taken(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._left < len(chunk):
                self.is_spent = True
                return
            self._left -= len(chunk)
            yield chunk
