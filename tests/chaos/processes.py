"""The processes of a run: started, killed, started again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]


class RunIsOver(Exception):
    """No process is started any more."""


@dataclass
class ProcessSlot:
    """One process that is replaced when it dies. `command` are the module and its arguments."""

    name: str
    command: Sequence[str]
    facts: Mapping[str, object]
    environment: Mapping[str, str]
    folder: Path
    starts: int = 0
    is_over: bool = False
    process: subprocess.Popen[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def running(self) -> subprocess.Popen[str]:
        """Return the running process, a new one if need be. Raises `RunIsOver`."""
        with self.lock:
            if self.is_over:
                raise RunIsOver
            if self.process is None or self.process.poll() is not None:
                self._close()
                self.process = self._start()
            return self.process

    def _start(self) -> subprocess.Popen[str]:
        facts = {**self.facts, "name": self.name, "start": self.starts, "folder": str(self.folder)}
        self.starts += 1
        with (self.folder / f"{self.name}.log").open("a") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", *self.command],
                cwd=PROJECT,
                env={**self.environment, "CHAOS": json.dumps(facts)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _close(self) -> None:
        if self.process is not None:
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()

    def kill(self) -> bool:
        """Kill the process; return whether there was one."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                return False
            self.process.kill()
            return True

    def end(self) -> None:
        """Kill the process for good."""
        self.kill()
        with self.lock:
            self.is_over = True
            self._close()
            self.process = None

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send an event to the process; None when it died before it answered."""
        process = self.running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(event) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            return None
        answer: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return answer


class Processes:
    """All processes of a run."""

    def __init__(self, environment: Mapping[str, str], facts: Mapping[str, object], folder: Path) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        path = {"PYTHONPATH": f"{PROJECT / 'functions'}:{PROJECT}", "PYTHONUNBUFFERED": "1"}
        self._environment = {**inherited, **environment, **path}
        self._facts = facts
        self._folder = folder
        self.slots: list[ProcessSlot] = []
        self.killed: Counter[str] = Counter()

    def slot(self, name: str, *command: str) -> ProcessSlot:
        """Return a slot for a process, which starts when it is used."""
        made = ProcessSlot(name, command, self._facts, self._environment, self._folder)
        self.slots.append(made)
        return made

    def kill_one(self, chance: random.Random) -> None:
        """Kill a running process, whatever it is doing."""
        if any(slot.kill() for slot in chance.sample(self.slots, len(self.slots))):
            self.killed["killed_at_any_moment"] += 1

    def end(self) -> None:
        """Kill all processes."""
        for slot in self.slots:
            slot.end()
