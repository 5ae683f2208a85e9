"""Time that passes only while everybody sleeps, for callers that are ordinary blocking code.

Every task is a greenlet, and one runs at any moment: the one whose time has come. So a run is exactly repeatable.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from greenlet import GreenletExit, getcurrent, greenlet


@dataclass(order=True)
class _Sleeper:
    wake_at: float
    number: int
    task: greenlet = field(compare=False)


class VirtualTime:
    """A clock, a `sleep` for tasks, and a way to start tasks."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.now = start
        self._sleepers: list[_Sleeper] = []
        self._numbers = itertools.count()
        self._stopping = False

    def clock(self) -> float:
        """Return the true time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Yield to other tasks until the time has come. Only for tasks: `GreenletExit` unwinds them after the run."""
        task = getcurrent()
        self._enqueue(task, self.now + max(seconds, 0.0))
        assert task.parent is not None
        task.parent.switch()

    def spawn(self, task: Callable[[], None], *, after: float = 0.0) -> None:
        """Start a task at a later time."""
        self._enqueue(greenlet(task), self.now + after)

    def run(self, seconds: float) -> None:
        """Advance the clock, then end every task; raise what one of them raises."""
        end = self.now + seconds
        try:
            while self._sleepers and self._sleepers[0].wake_at <= end:
                sleeper = heapq.heappop(self._sleepers)
                self.now = max(sleeper.wake_at, self.now)
                sleeper.task.parent = getcurrent()  # where it goes on when the task sleeps, ends or fails
                sleeper.task.switch()
        finally:
            self.now, self._stopping = max(end, self.now), True
            self._end_all()

    def _end_all(self) -> None:
        for sleeper in self._sleepers:
            sleeper.task.parent = getcurrent()
            sleeper.task.throw()
        self._sleepers.clear()

    def _enqueue(self, task: greenlet, wake_at: float) -> None:
        if self._stopping:
            raise GreenletExit
        heapq.heappush(self._sleepers, _Sleeper(wake_at, next(self._numbers), task))
