"""Time that passes only while everybody sleeps, for callers that are ordinary blocking code.

Every task is a thread, but only one runs at any moment: the one whose time has come. So a run is exactly repeatable.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


class Stopped(BaseException):
    """The run is over; unwinds the tasks that still sleep."""


@dataclass(order=True)
class _Sleeper:
    wake_at: float
    number: int
    baton: threading.Semaphore = field(compare=False)


class VirtualTime:
    """A clock, a `sleep` for tasks, and a way to start tasks."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.now = start
        self._sleepers: list[_Sleeper] = []
        self._numbers = itertools.count()
        self._control = threading.Semaphore(0)
        self._stopping = False
        self._failure: BaseException | None = None

    def clock(self) -> float:
        """Return the true time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Yield to other tasks until the time has come. Only for tasks."""
        sleeper = self._enqueue(self.now + max(seconds, 0.0))
        self._control.release()
        self._await(sleeper)

    def spawn(self, task: Callable[[], None], *, after: float = 0.0) -> None:
        """Start a task at a later time."""
        sleeper = self._enqueue(self.now + after)
        threading.Thread(target=self._run, args=(task, sleeper), daemon=True).start()

    def run(self, seconds: float) -> None:
        """Advance the clock, then end every task."""
        end = self.now + seconds
        while self._failure is None and self._sleepers and self._sleepers[0].wake_at <= end:
            self._wake()
        self.now, self._stopping = max(end, self.now), True
        while self._sleepers:
            self._wake()
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        sleeper = heapq.heappop(self._sleepers)
        self.now = max(sleeper.wake_at, self.now) if not self._stopping else self.now
        sleeper.baton.release()
        self._control.acquire()

    def _enqueue(self, wake_at: float) -> _Sleeper:
        if self._stopping:
            raise Stopped
        sleeper = _Sleeper(wake_at, next(self._numbers), threading.Semaphore(0))
        heapq.heappush(self._sleepers, sleeper)
        return sleeper

    def _await(self, sleeper: _Sleeper) -> None:
        sleeper.baton.acquire()
        if self._stopping:
            raise Stopped

    def _run(self, task: Callable[[], None], sleeper: _Sleeper) -> None:
        try:
            self._await(sleeper)
            task()
        except Stopped:
            pass
        except BaseException as failure:  # noqa: BLE001 - handed to the one who runs the test
            self._failure = failure
        finally:
            self._control.release()
