"""Whether a benchmark had the machine to itself: what all other processes took of the processor meanwhile."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAT = Path("/proc/stat")
ALLOWED = 0.1  # of a core, that others may take
BUSY = (0, 1, 2)  # user, nice and system, in ticks (proc(5), /proc/stat)


@dataclass
class Watch:
    """What others took, in cores, once the benchmark has ended; None where the system does not tell."""

    others: float | None = None

    @property
    def disturbed(self) -> bool:
        """Whether figures that depend on time are to be doubted."""
        return self.others is not None and self.others > ALLOWED

    @property
    def note(self) -> str:
        """Return the warning for a page; empty when nothing disturbed."""
        if not self.disturbed:
            return ""
        return (
            f"**Disturbed**: other processes took {self.others:.2f} of a core meanwhile, so times and rates below are "
            "not those of a quiet machine."
        )

    def last_line(self, figures: Mapping[str, Any], page: Path | None = None) -> str:
        """Return the figures as one line of JSON with `disturbed`, and write the note into the page."""
        if page is not None and self.note:
            heading, _, rest = page.read_text(encoding="utf-8").partition("\n")
            page.write_text(f"{heading}\n\n{self.note}\n{rest}", encoding="utf-8")
        return json.dumps({**figures, "disturbed": self.disturbed})


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch the machine during the context, in which every process that the benchmark starts must end."""
    watch, started, busy, own = Watch(), time.monotonic(), _busy(), _own()
    yield watch
    passed = time.monotonic() - started
    ended = _busy()
    if busy is not None and ended is not None and passed > 0:
        watch.others = others(ended - busy, _own() - own, passed)


def others(busy: float, own: float, passed: float) -> float:
    """Return the cores that others took, of `busy` seconds in all and `own` ones, in so many seconds that passed."""
    return max(0.0, busy - own) / passed


def _busy() -> float | None:
    """Return the seconds that all cores were busy since the start of the system."""
    try:
        ticks = STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
    except OSError:
        return None
    return sum(int(ticks[column]) for column in BUSY) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Return the CPU seconds of this process and of all that it has started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
