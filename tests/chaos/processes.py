"""The processes of a run: started, killed, started again."""

from __future__ import annotations

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.chaos.process import ProcessFacts
from tests.forking import forking

Job = Callable[..., None]  # of the environment, the facts, this process's end of a connection, and the slot's arguments


class RunIsOver(Exception):
    """No process is started any more."""


@dataclass
class ProcessSlot:
    """One process that is replaced when it dies. `job` is what it runs."""

    name: str
    job: Job
    arguments: Sequence[str]
    facts: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path
    starts: int = 0
    is_over: bool = False
    process: BaseProcess | None = None
    connection: Connection | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def running(self) -> Connection:
        """Return the connection to the running process, a new one if need be. Raises `RunIsOver`."""
        with self.lock:
            if self.is_over:
                raise RunIsOver
            if self.connection is None or self.process is None or not self.process.is_alive():
                self._close()
                self.process, self.connection = self._start()
            return self.connection

    def _start(self) -> tuple[BaseProcess, Connection]:
        facts = ProcessFacts(**self.facts, name=self.name, start=self.starts, folder=self.folder)
        self.starts += 1
        context = forking()
        ours, theirs = context.Pipe()
        process = context.Process(target=self.job, args=(self.environment, facts, theirs, *self.arguments), daemon=True)
        process.start()
        theirs.close()
        return process, ours

    def _close(self) -> None:
        if self.process is not None:
            self.process.join()
            self.process.close()
        if self.connection is not None:
            self.connection.close()
        self.process = self.connection = None

    def kill(self) -> bool:
        """Kill the process; return whether there was one."""
        with self.lock:
            if self.process is None or not self.process.is_alive():
                return False
            self.process.kill()
            return True

    def end(self) -> None:
        """Kill the process for good."""
        self.kill()
        with self.lock:
            self.is_over = True
            self._close()

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Send an event to the process; None when it died before it answered."""
        connection = self.running()
        try:
            connection.send_bytes(json.dumps(event).encode())
            answer: dict[str, Any] = json.loads(connection.recv_bytes())
        except (OSError, EOFError):
            return None
        return answer


class Processes:
    """All processes of a run."""

    def __init__(self, environment: Mapping[str, str], facts: Mapping[str, Any], folder: Path) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = {**inherited, **environment}
        self._facts = facts
        self._folder = folder
        self.slots: list[ProcessSlot] = []
        self.killed: Counter[str] = Counter()

    def slot(self, name: str, job: Job, *arguments: str) -> ProcessSlot:
        """Return a slot for a process, which starts when it is used."""
        made = ProcessSlot(name, job, arguments, self._facts, self._environment, self._folder)
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
