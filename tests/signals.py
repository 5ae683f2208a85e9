"""Signals of the processes that tests start."""

from __future__ import annotations

import signal

USUAL = ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL))


def as_at_a_terminal() -> None:
    """Take the signals that this process ignores when a script starts it in the background (`make test &`).

    Children inherit what is ignored, and neither `make` nor a shell takes such a signal again (POSIX, "Signals and
    Error Handling").
    """
    for number, usual in USUAL:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
