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
    """Nobody is invoked any more."""


@dataclass
class Post:
    """One place in the crew: whoever holds it is replaced when it dies. `command` are the module and its arguments."""

    name: str
    command: Sequence[str]
    facts: Mapping[str, object]
    environment: Mapping[str, str]
    folder: Path
    births: int = 0
    is_over: bool = False
    process: subprocess.Popen[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def filled(self) -> subprocess.Popen[str]:
        """Return the process that holds the post, a new one if need be. Raises `RunIsOver`."""
        with self.lock:
            if self.is_over:
                raise RunIsOver
            if self.process is None or self.process.poll() is not None:
                self._close()
                self.process = self._start()
            return self.process

    def _start(self) -> subprocess.Popen[str]:
        told = {**self.facts, "name": self.name, "birth": self.births, "folder": str(self.folder)}
        self.births += 1
        with (self.folder / f"{self.name}.log").open("a") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", *self.command],
                cwd=PROJECT,
                env={**self.environment, "CHAOS": json.dumps(told)},
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
        """Kill whoever holds the post; tell whether there was anybody."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                return False
            self.process.kill()
            return True

    def end(self) -> None:
        """Kill whoever holds the post; nobody comes after."""
        self.kill()
        with self.lock:
            self.is_over = True
            self._close()
            self.process = None

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Hand an event to the instance at this post; None when it died before it answered."""
        process = self.filled()
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


class Crew:
    """All posts of a run."""

    def __init__(self, environment: Mapping[str, str], facts: Mapping[str, object], folder: Path) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        path = {"PYTHONPATH": f"{PROJECT / 'functions'}:{PROJECT}", "PYTHONUNBUFFERED": "1"}
        self._environment = {**inherited, **environment, **path}
        self._facts = facts
        self._folder = folder
        self.posts: list[Post] = []
        self.killed: Counter[str] = Counter()

    def post(self, name: str, *command: str) -> Post:
        """Make a place."""
        made = Post(name, command, self._facts, self._environment, self._folder)
        self.posts.append(made)
        return made

    def kill_one(self, chance: random.Random) -> None:
        """Kill somebody who lives, whatever they are at."""
        if any(post.kill() for post in chance.sample(self.posts, len(self.posts))):
            self.killed["killed_at_any_moment"] += 1

    def end(self) -> None:
        """Let nobody live."""
        for post in self.posts:
            post.end()
