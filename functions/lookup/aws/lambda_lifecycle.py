"""The life of a Lambda instance: a start from a snapshot of its memory (SnapStart), and SIGTERM at its end.

On SIGTERM waiting ends and writes finish: no new call to MoEngage is made, and waits for the gate raise `RetryLater`.
Instances restored from one snapshot must not share randomness or connections. `uuid4` and TLS take theirs from the
kernel; only the jitter of `random` would be the same in all of them.
"""

from __future__ import annotations

import gc
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from urllib3 import PoolManager

from lookup.errors import RetryLater
from lookup.model import Clock, Sleep

STOPPING = "stopping"
LOOK = 0.5  # seconds that a sleeper may sleep on


class Shutdown:
    """One process's word to stop."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self.is_told = False

    def stop(self) -> None:
        """Tell this process to stop; for good."""
        self.is_told = True

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `RetryLater` soon after this process is told to stop: within half a second."""
        left = seconds
        while left > 0 and not self.is_told:
            self._sleep(min(left, LOOK))
            left -= LOOK
        if self.is_told:
            raise RetryLater(self._clock(), STOPPING)

    @contextmanager
    def heeding_sigterm(self) -> Iterator[None]:
        """Take SIGTERM as the word to stop while work is in hand, then hand it on to whoever it was for.

        Threads other than the main one cannot; whoever runs them calls `stop`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda *_: self.stop())
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: of a handler that Python did not set
            if self.is_told:
                signal.raise_signal(signal.SIGTERM)


def register_snapstart_hooks(prepare: Callable[[], object]) -> bool:
    """Let Lambda call `prepare` before it takes a snapshot, and `after_restore` after each start from it.

    Tells whether there is a runtime that does so: Lambda's own has the hooks, no other.
    """
    try:
        hooks = import_module("snapshot_restore_py")
    except ImportError:
        return False
    hooks.register_before_snapshot(prepare)
    hooks.register_after_restore(after_restore)
    return True


def after_restore() -> None:
    """Take new randomness, and drop the connections that were open when the snapshot was taken."""
    random.seed()
    for one in gc.get_objects():  # boto3's clients keep their connections in such pools too, out of reach
        if issubclass(type(one), PoolManager):
            one.clear()
