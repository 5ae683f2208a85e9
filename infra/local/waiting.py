"""Bounded waiting for results: it ends when all are there, or raises what to read when nothing more arrives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local.display import Advance
from lookup.model import Sleep

LOOK_SECONDS = 0.25


class NoProgress(Exception):
    """No result has arrived for too long."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait for `what`; it is given up when nothing new arrived for `max_idle` seconds."""

    what: str
    max_idle: float
    log_path: Path
    sleep: Sleep

    def until_all(self, total: int, done: Callable[[], int], advance: Advance) -> None:
        """Wait until `done()` reaches `total`. Raises `NoProgress`."""
        seen, since = -1, time.monotonic()
        while (number := done()) < total:
            advance(number, total)
            if number != seen:
                seen, since = number, time.monotonic()
            if time.monotonic() - since > self.max_idle:
                raise NoProgress(
                    f"{self.what}: {number} of {total}, and nothing new for {self.max_idle:.0f} s. "
                    f"The functions' log is {self.log_path}; run again when the cause is gone."
                )
            self.sleep(LOOK_SECONDS)
        advance(number, total)
