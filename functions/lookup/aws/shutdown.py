"""Being told to stop: waiting ends, writing does not.

Whoever asks MoEngage takes no payload any more, and whoever waits for the gate gives its work back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
