"""Child processes that end with this one, whatever ends it.

Each leads a session of its own, so that it ends as a group with everything it has started, and the terminal's Ctrl-C
reaches this process alone. Its standard input is its lifeline: only this process holds the other end, and the
child ends when it closes (`infra.local.lifeline`), even if this process was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

PROJECT: Final = Path(__file__).resolve().parents[3]
STOP_SECONDS = 5.0
_leaders: set[int] = set()  # process ids of the children that have not been ended


def start(
    command: Sequence[str], *, output: IO[bytes], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child in the project's folder; `environment` None: this process's own."""
    process = subprocess.Popen(  # noqa: S603 - the callers' constants
        command,
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _leaders.add(process.pid)
    return process


def end(process: subprocess.Popen[bytes], grace_seconds: float = STOP_SECONDS) -> None:
    """Terminate a child and its group, and kill after `grace_seconds` seconds what is left of them."""
    if grace_seconds > 0:
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    _leaders.discard(process.pid)
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # what was not yet written has no reader
            process.stdin.close()


def kill_all() -> None:
    """Kill every child with its group; the last thing before this process ends itself."""
    leaders = tuple(_leaders)
    for leader in leaders:
        signal_group(leader, signal.SIGKILL)
    for leader in leaders:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(leader, 0)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a group of this process's own making; nothing when the group has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
