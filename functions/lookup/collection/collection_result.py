"""How an attempt at collecting ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else collects the lookup, until then at most (epoch seconds)."""

    until: float


class Busy:
    """It is large, and other large ones come first."""


class Unfinished:
    """There was no time for all of it; the next invocation goes on."""


class Done:
    """Nothing is left to do."""


CollectionResult = Held | Busy | Unfinished | Done
