"""Being told to stop: waiting ends, writing does not.

Whoever asks MoEngage takes no payload any more, and whoever waits for the gate gives its work back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lookup.errors import NotNow
from lookup.model import Clock

STOPPING = "stopping"


class Stopping:
    """One process's word to stop."""

    def __init__(self, clock: Clock) -> None:
        self._told = threading.Event()
        self._clock = clock

    def stop(self) -> None:
        """Tell this process to stop; for good."""
        self._told.set()

    @property
    def is_told(self) -> bool:
        """Whether it was told."""
        return self._told.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `NotNow` as soon as this process is told to stop."""
        if self._told.wait(seconds):
            raise NotNow(self._clock(), STOPPING)

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
            signal.signal(signal.SIGTERM, before)
            if self.is_told:
                signal.raise_signal(signal.SIGTERM)
