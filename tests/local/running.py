"""`make run`'s process as a test sees it: its output, the processes that it started, and the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.ministack.process import PROJECT
from tests.waiting import GIVE_UP, LOOK

COLUMNS = ("stat", "ppid")  # of /proc/<pid>/stat, after the name
USERS_OWN = ("ROSTER", "LOCAL_PORT", "ONCE", "MOENGAGE_", "AWS_")


@dataclass
class Running:
    """One run under way."""

    process: subprocess.Popen[bytes]
    output_path: Path

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until the run has said something."""
        deadline = time.monotonic() + GIVE_UP
        while text not in self.output:
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"not within {GIVE_UP:.0f} s: {text}\n{self.output}"
            time.sleep(LOOK)

    def started(self) -> set[int]:
        """Return the ids of all processes below this one."""
        return started_by(self.process.pid)

    def end(self, number: signal.Signals) -> int:
        """Terminate it; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(GIVE_UP)


def started_by(process_id: int) -> set[int]:
    """Return the ids of all processes below one."""
    parents = {pid: int(parent) for pid, parent in _processes("ppid").items()}
    below, wave = set[int](), {process_id}
    while wave := {pid for pid, parent in parents.items() if parent in wave} - below:
        below |= wave
    return below


def mentioning(text: str) -> set[int]:
    """Return the ids of the processes with a text in their environment; none where the system does not show it."""
    found = set[int]()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another's
            if text.encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of the processes that still run; one that ended and was not yet reaped does not."""
    states = _processes("stat")
    return {pid for pid in pids if not states.get(pid, "Z").startswith("Z")}


def _processes(column: str) -> dict[int, str]:
    """Read `ppid` or `stat` of all processes: from /proc, which needs no program, or from `ps` where there is none."""
    if Path("/proc/self/stat").exists():
        return {pid: stat[COLUMNS.index(column)] for pid, stat in _stats()}
    command = ["ps", "-A", "-o", f"pid=,{column}="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - constant
    return {int(pid): value for pid, value in (line.split() for line in listed.stdout.splitlines())}


def _stats() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            yield int(entry.name), (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """Start a run with these variables; end it whatever happens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(USERS_OWN)}
    output_path = folder / "output.txt"
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.run"],
            cwd=PROJECT,
            env={**clean, "PYTHONUNBUFFERED": "1", **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    run = Running(process, output_path)
    try:
        yield run
    finally:
        if process.poll() is None:
            run.end(signal.SIGTERM)
