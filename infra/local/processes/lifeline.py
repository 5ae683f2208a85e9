"""What ends a process when the one that it works for is gone: nothing is left behind, not even by SIGKILL.

`python -m infra.local.processes.lifeline command…` runs a command that knows nothing of this, in its own group.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

GRACE_SECONDS = 3.0  # between SIGTERM and SIGKILL
LOOK_SECONDS = 0.25


def end_with_input() -> None:
    """Begin to watch standard input, a pipe: at its end this process ends, with its group if it leads one."""
    threading.Thread(target=_end_after_input, daemon=True).start()


def _end_after_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    _signal_own(signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal_own(signal.SIGKILL)


def _signal_own(number: signal.Signals) -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), number)
    else:
        os.kill(os.getpid(), number)


def end_with_spawner() -> None:
    """Begin to watch the parent of this process by `multiprocessing`: it ends at once when that one is gone."""
    spawner = multiprocessing.parent_process()
    if spawner is not None:
        threading.Thread(target=_end_after, args=(spawner,), daemon=True).start()


def _end_after(spawner: multiprocessing.process.BaseProcess) -> None:
    spawner.join()
    os._exit(1)


def end_with_make(is_ending: Callable[[], bool]) -> None:
    """Begin to watch this process's parent if that is `make`; when it ends or gives up, this process gets a signal.

    A `make` that gets SIGINT by process id waits for its command without forwarding the signal: it counts on the
    terminal to do that (`fatal_error_signal` in GNU make's commands.c). It takes its handler away first, which Linux
    shows. `is_ending` returns whether this process has its signal already.
    """
    if "MAKELEVEL" not in os.environ:
        return
    threading.Thread(target=_watch, args=(os.getppid(), is_ending), daemon=True).start()


def _watch(parent: int, is_ending: Callable[[], bool]) -> None:
    handled = _handles_sigint(parent)
    while not is_ending():
        time.sleep(LOOK_SECONDS)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        if handled and not _handles_sigint(parent):
            time.sleep(LOOK_SECONDS)  # of Ctrl-C at a terminal both hear; this process then needs no second signal
            if not is_ending():
                os.kill(os.getpid(), signal.SIGINT)
            return


def _handles_sigint(process_id: int) -> bool:
    """Read whether a process has a handler for SIGINT; False where the system does not show it."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (signal.SIGINT - 1) & 1)


if __name__ == "__main__":
    end_with_input()
    status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - the caller's command
    sys.exit(status if status >= 0 else 128 - status)
