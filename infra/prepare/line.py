"""Commands whose output is hidden: one line shows that they run and for how long; a failure is shown in full."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.processes import child
from infra.local.processes.child import PROJECT
from infra.local.processes.interruption import Interruption
from infra.prepare.advice import advice

DOT_SECONDS = 2.0
LOOK_SECONDS = 0.05
SHOWN_LINES = 8
LOG = PROJECT / ".local" / "prepare.log"


class SetupError(Exception):
    """The preparation failed; the text says why, and what to do about it."""


class Line:
    """One line on standard output: a title, a dot now and then, the seconds it took."""

    def __init__(self, title: str, interruption: Interruption) -> None:
        self._interruption = interruption
        self._started = self._dotted = time.monotonic()
        self._write(f"{title} ")

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a command. Raises `SetupError` when it fails, `Interrupted` after a signal; it is ended in every case."""
        kept_alive = [sys.executable, "-m", "infra.local.processes.lifeline", *command]
        with tempfile.TemporaryFile() as output:
            process = child.start(kept_alive, output=output, environment=environment)
            try:
                while process.poll() is None:
                    self._interruption.sleep(LOOK_SECONDS)
                    self._dot()
            finally:
                child.end(process, grace_seconds=0)
            if process.returncode != 0:
                output.seek(0)
                raise _failure(output.read().decode(errors="replace"))

    def done(self) -> None:
        """End the line."""
        self._write(f" {time.monotonic() - self._started:.0f} s\n")

    def broken(self) -> None:
        """End the line where it is."""
        self._write("\n")

    def _dot(self) -> None:
        if time.monotonic() - self._dotted >= DOT_SECONDS:
            self._dotted += DOT_SECONDS
            self._write(".")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _failure(output: str) -> SetupError:
    known = advice(output, os.environ)
    if known is None:
        return SetupError("\n".join(["It failed with:", *output.strip().splitlines()[-SHOWN_LINES:]]))
    return SetupError(f"{known}{_kept(LOG, output)}")


def _kept(log: Path, output: str) -> str:
    try:
        log.parent.mkdir(exist_ok=True)
        log.write_text(output, encoding="utf-8")
    except OSError:  # no space, or no permission: that is what the advice is about
        return ""
    return f"\nThe whole output is in {log.relative_to(PROJECT)}."
