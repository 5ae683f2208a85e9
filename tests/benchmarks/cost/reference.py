"""CPU seconds as the quiet machine counts them, by a fixed piece of computing that is done beside each piece of work.

A busy machine takes twice the CPU seconds for the same work (its cores share caches and units), and so does a slow one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from statistics import fmean, quantiles

# What the piece takes on the quiet machine that a processor of Lambda is compared with (`seconds.SLOWNESS`).
SECONDS = 0.00062
ROUNDS = 6
_WORK: Mapping[str, object] = {f"name_{number}": [number, str(number), {"of": number / 7}] for number in range(60)}


class Processor:
    """CPU seconds of pieces of work, each measured beside the reference."""

    def __init__(self) -> None:
        self._work: list[float] = []
        self._reference: list[float] = []

    def add(self, seconds: float) -> None:
        """Add a piece of work that has just taken so many CPU seconds."""
        self._work.append(seconds)
        self._reference.append(reference())

    def forget(self) -> None:
        """Forget all pieces."""
        self._work.clear()
        self._reference.clear()

    def seconds(self) -> float:
        """Return the seconds of all pieces."""
        return sum(self._work) * SECONDS / fmean(self._reference) if self._work else 0.0

    def seconds_of_the_usual(self) -> float:
        """Return the seconds of all pieces when each takes what those do that nothing disturbs: the quickest tenth."""
        return len(self._work) * _quickest(self._work) * SECONDS / _quickest(self._reference) if self._work else 0.0


def _quickest(seconds: list[float]) -> float:
    return quantiles(seconds, n=10, method="inclusive")[0] if len(seconds) > 1 else seconds[0]


def reference() -> float:
    """Do the fixed piece; return the CPU seconds that it took. Mostly the interpreter, some of it C, as handlers do."""
    started = time.thread_time()
    for _ in range(ROUNDS):
        read = json.loads(json.dumps(_WORK))
        assert sum(map(_depth, read.values())) == len(_WORK) * 2
    return time.thread_time() - started


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(_depth(one) for one in value.values())
    if isinstance(value, list):
        return 1 + max(_depth(one) for one in value)
    return 0
