"""One run that is interrupted, and what it left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.ports import free_port
from infra.local.processes.child import PROJECT
from tests.interruptions.moments import SYNTHESISING, Moment
from tests.local.running import USERS_OWN, alive, mentioning, started_by
from tests.waiting import GIVE_UP, LOOK

MADE = (".git", ".venv", ".local", "node_modules", "__pycache__", "build", "cdk.out")  # not part of a fresh clone
PORTS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass
class Ending:
    """How a run ended: seconds from the first signal, the exit status as of `subprocess`, what was left."""

    moment: Moment
    seconds: float
    status: int
    output: str
    left: list[str] = field(default_factory=list)

    @property
    def is_as_promised(self) -> bool:
        """Whether nothing was left, and the status is the signal's; make's own status is 2, or its signal."""
        names = {128 + number for number in self.moment.signals} | {-number for number in self.moment.signals}
        return not self.left and self.status in (names if self.moment.receiver == "python" else names | {2})


@dataclass
class Sandbox:
    """A run's place: a folder of the project, and a home and a folder of temporary files that must stay empty."""

    project: Path
    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "roster.txt").write_text("".join(f"C-{number:03}\n" for number in range(30)))

    def start(self, moment: Moment) -> subprocess.Popen[bytes]:
        """Start the run in a session of its own."""
        command = [sys.executable, "-m", "infra.local.run"] if moment.receiver == "python" else ["make", "run"]
        with (self.folder / "output.txt").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - constants
                command,
                cwd=self.project,
                env=self._environment() | self._synthesis(moment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @staticmethod
    def _synthesis(moment: Moment) -> dict[str, str]:
        """Have the stack synthesised, also where an assembly is kept, if that is to be interrupted."""
        return {"RESYNTHESISE": "1"} if moment.mark in SYNTHESISING else {}

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith((*USERS_OWN, "MAKE"))}
        cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))  # the user's own, not a leftover
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "UV_CACHE_DIR": cache}
        job = {"LOCAL_PORT": str(self.port), "ROSTER": str(self.folder / "roster.txt")}
        return {**inherited, **own, **job, "PYTHONUNBUFFERED": "1"}

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text(errors="replace")

    def prepares(self) -> bool:
        """Return whether the next command prepares the environment, whatever was left of it."""
        command = ["make", ".venv/.installed"]
        done = subprocess.run(  # noqa: S603 - constant
            command, cwd=self.project, env=self._environment(), capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_for(self, process: subprocess.Popen[bytes], text: str) -> None:
        """Wait until the run has said something."""
        deadline = time.monotonic() + GIVE_UP
        while text not in self.output:
            assert process.poll() is None, f"ended with {process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"never said: {text}\n{self.output}"
            time.sleep(LOOK)

    def left(self, seen: set[int]) -> Iterator[str]:
        """Return leftovers: processes, of those seen or with the run's folders in their environment; ports; files."""
        for pid in sorted(alive(seen | mentioning(str(self.folder)) | mentioning(f"run-{self.port}/"))):
            yield f"process {pid}"
        for port in {self.port, *map(int, PORTS.findall(self.output))}:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    yield f"port {port}"
        for name in ("tmp",) if self.project != PROJECT else ("home", "tmp"):  # pip's cache is in the home, to stay
            yield from (f"file {path}" for path in (self.folder / name).iterdir())

    def left_at_last(self, seen: set[int], give_up: float) -> list[str]:
        """Return what is left once nothing goes away any more: nothing, or what is there at `give_up` (monotonic)."""
        while (left := list(self.left(seen))) and time.monotonic() < give_up:
            time.sleep(LOOK)
        return left


def interrupted(moment: Moment, folder: Path) -> Ending:
    """Start a run, interrupt it at its moment, and look at what is left when it has ended with all its processes.

    A `make` that got the signal itself ends by it at once, before what it started.
    """
    project = PROJECT
    if moment.fresh:
        project = folder / "project"
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(*MADE), symlinks=True)
    sandbox = Sandbox(project, folder)
    files = _files(project)
    with _started(sandbox, moment) as process:
        sandbox.wait_for(process, moment.mark)
        time.sleep(moment.delay)
        seen = started_by(process.pid)
        began = time.monotonic()
        _interrupt(process, moment)
        status = process.wait(GIVE_UP)
        left = sandbox.left_at_last(seen, began + GIVE_UP)
        ending = Ending(moment, time.monotonic() - began, status, sandbox.output, left)
    if moment.fresh and not sandbox.prepares():
        ending.left.append("an environment that the next command does not mend")
    ending.left += [f"file {path}" for path in sorted(_files(project) - files)]
    shutil.rmtree(PROJECT / ".local" / f"run-{sandbox.port}", ignore_errors=True)
    return ending


@contextmanager
def _started(sandbox: Sandbox, moment: Moment) -> Iterator[subprocess.Popen[bytes]]:
    process = sandbox.start(moment)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _interrupt(process: subprocess.Popen[bytes], moment: Moment) -> None:
    for index, number in enumerate(moment.signals):
        if index:
            time.sleep(moment.gap)
        if process.poll() is None:
            os.killpg(process.pid, number) if moment.receiver == "group" else os.kill(process.pid, number)


def _files(project: Path) -> set[Path]:
    """List the project's files, without those in hidden folders: caches, which other tests at work write."""
    found = set[Path]()
    for folder, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name not in MADE and not name.startswith(".")]
        found |= {Path(folder, name) for name in names}
    return found
