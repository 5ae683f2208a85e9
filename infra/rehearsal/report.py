"""The lines of a rehearsal: each step passed, failed with what to do, or skipped with why."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

NAME_WIDTH = 34


class Verdict(StrEnum):
    """How a step ended."""

    PASSED = "pass"
    FAILED = "FAIL"
    SKIPPED = "skip"


class Failed(Exception):
    """A step did not show what it should; the text is what was seen instead."""


class Skipped(Exception):
    """A step cannot be carried out here; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `run` returns what it saw, or raises `Failed` or `Skipped`; `advice` is for the reader of a failure."""

    name: str
    run: Callable[[], str]
    advice: str
    is_needed: bool = False  # without it no later step makes sense


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report."""

    name: str
    verdict: Verdict
    text: str
    seconds: float


@dataclass
class Report:
    """Carries steps out, one after the other, and shows each when it has ended."""

    lines: list[Line] = field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        """Return whether no step failed."""
        return all(line.verdict is not Verdict.FAILED for line in self.lines)

    def carry_out(self, step: Step) -> bool:
        """Carry one step out; return False when it failed and is needed by those that follow."""
        sys.stdout.write(f"      {step.name} …\n")
        sys.stdout.flush()
        started = time.monotonic()
        verdict, text = _outcome(step)
        self._show(Line(step.name, verdict, text, time.monotonic() - started))
        return verdict is not Verdict.FAILED or not step.is_needed

    def _show(self, line: Line) -> None:
        self.lines.append(line)
        sys.stdout.write(f"{line.verdict.value:5} {line.name:{NAME_WIDTH}} {line.seconds:6.1f} s  {line.text}\n")
        sys.stdout.flush()


def _outcome(step: Step) -> tuple[Verdict, str]:
    try:
        return Verdict.PASSED, step.run()
    except Skipped as why:
        return Verdict.SKIPPED, str(why)
    except (Failed, ClientError, BotoCoreError, OSError) as error:
        return Verdict.FAILED, f"{error}. {step.advice}"
