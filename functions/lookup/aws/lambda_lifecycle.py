"""The life of a Lambda instance: a start from a snapshot of its memory (SnapStart), and SIGTERM at its end.

On SIGTERM, which `on_queue` handles, waiting ends and writes finish: no new call to MoEngage is made, and waits for the
gate raise `RetryLater`. Lambda sends it only to functions with an extension.
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

SHUTTING_DOWN = "stopping"
POLL_SECONDS = 0.5  # seconds after a shutdown request that a sleep may continue


class Shutdown:
    """One process's request to shut down."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self.is_requested = False

    def request(self) -> None:
        """Request the shutdown of this process."""
        self.is_requested = True

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `RetryLater` within half a second of a shutdown request."""
        left = seconds
        while left > 0 and not self.is_requested:
            self._sleep(min(left, POLL_SECONDS))
            left -= POLL_SECONDS
        if self.is_requested:
            raise RetryLater(self._clock(), SHUTTING_DOWN)

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Take SIGTERM as a shutdown request in this context, and raise it again at the end for the earlier handler.

        Only the main thread can; for other threads call `request`.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda *_: self.request())
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: set outside of Python
            if self.is_requested:
                signal.raise_signal(signal.SIGTERM)


def register_snapstart_hooks(prepare: Callable[[], object]) -> bool:
    """Register `prepare` for before a snapshot is taken, and `after_restore` for after each start from it.

    Return whether the runtime has the hooks: Lambda's own has, no other.
    """
    try:
        hooks = import_module("snapshot_restore_py")
    except ImportError:
        return False
    hooks.register_before_snapshot(prepare)
    hooks.register_after_restore(after_restore)
    return True


def after_restore() -> None:
    """Seed `random` anew, and drop the connections that were open when the snapshot was taken."""
    random.seed()
    for one in gc.get_objects():  # boto3's clients keep their connections in such pools too, out of reach
        if issubclass(type(one), PoolManager):
            one.clear()
