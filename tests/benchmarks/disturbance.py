"""Whether a benchmark had the machine to itself: what all other processes took of the processor meanwhile."""

from __future__ import annotations

import contextlib
import ctypes
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
PARENT, USED = 1, slice(11, 15)  # after the name; user and system, its own and its children's (proc(5), /proc/pid/stat)
SET_CHILD_SUBREAPER = 36  # linux/prctl.h


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
    """Watch the machine during the context. All that the benchmark starts is its own, whoever of it outlives whom."""
    with _orphans_adopted():
        watch, started, busy, own = Watch(), time.monotonic(), _busy(), own_seconds()
        yield watch
        passed = time.monotonic() - started
        ended = _busy()
        if busy is not None and ended is not None and passed > 0:
            watch.others = others(ended - busy, own_seconds() - own, passed)


@contextmanager
def _orphans_adopted() -> Iterator[None]:
    """Become the parent of what is started here and outlives its own parent (prctl(2)); elsewhere than on Linux not."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        yield
        return
    prctl(SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(SET_CHILD_SUBREAPER, 0)


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


def own_seconds() -> float:
    """Return the CPU seconds of this process and of all that it has started, ended or not."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used) + _of_descendants()


def _of_descendants() -> float:
    """Return the CPU seconds of those that have not been waited for, and of the children that they have waited for."""
    parents, used = dict[int, int](), dict[int, float]()
    for stat in STAT.parent.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            columns = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            process_id = int(stat.parent.name)
            parents[process_id] = int(columns[PARENT])
            used[process_id] = sum(map(int, columns[USED])) / os.sysconf("SC_CLK_TCK")
    return sum(seconds for process_id, seconds in used.items() if os.getpid() in _ancestors(process_id, parents))


def _ancestors(process_id: int, parents: Mapping[int, int]) -> Iterator[int]:
    while (process_id := parents.get(process_id, 0)) > 0:
        yield process_id
