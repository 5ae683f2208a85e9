"""Signals that end a run: they set a flag that the run's own waits check, and never raise inside a library.

An exception out of a signal handler appears wherever the program happens to be, also where a library takes it for an
error of its own and goes on. Here only `sleep` raises, which the run calls between its steps and while it waits.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 6.0  # seconds for an orderly end; then it ends at once
LOOK_SECONDS = 0.1
ECHO_SECONDS = 0.1  # within which the same signal comes twice when a whole group gets it, and make forwards it too


class Interrupted(Exception):
    """A signal ended the run; `status` is what a shell expects of a process that a signal ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class Interruption:
    """The signal that ends this process, if one came.

    A second signal ends the process at once, and so does the time of grace when something holds the run up:
    `kill_children` is called, nothing else is tidied.
    """

    def __init__(self, kill_children: Callable[[], None], grace: float = GRACE) -> None:
        self._kill_children = kill_children
        self._grace = grace
        self._number: int | None = None
        self._noted_at = 0.0

    def install_handlers(self) -> None:
        """Handle the signals from now on. SIGHUP stays ignored where it was: that is what `nohup` wants."""
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        signal.signal(signal.SIGALRM, lambda *_: self._end_at_once())

    @property
    def is_noted(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `Interrupted` soon after a signal, and if there was one before; 0 seconds only looks."""
        until = time.monotonic() + seconds
        self._look()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            self._look()

    def _look(self) -> None:
        if self._number is not None:
            raise Interrupted(self._number)

    def _note(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self._number is None:
            self._number, self._noted_at = number, now
            signal.setitimer(signal.ITIMER_REAL, self._grace)
        elif number != self._number or now - self._noted_at > ECHO_SECONDS:
            self._end_at_once()

    def _end_at_once(self) -> None:
        self._kill_children()
        os._exit(128 + (self._number or signal.SIGTERM))
