"""What every process of a run does first: enter service time, and inject faults between itself and AWS."""

from __future__ import annotations

import io
import os
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes.lifeline import end_with_spawner
from tests.chaos.aws_faults import AwsFaults
from tests.chaos.clock import FastClock, enter, enter_idempotency
from tests.chaos.plan import FUNCTION_SECONDS, SKEW, WILD_SECONDS, Plan, Size
from tests.lambda_context import LambdaContext

RAISED = "raised"  # what is noted of an invocation that ended with an error: no fault, but a consequence of faults


@dataclass(frozen=True)
class ProcessFacts:
    """What describes a process. `started`: the run's start in epoch seconds; `start`: how often it started before.

    Its clock is `later` by so many seconds of the service than the run's.
    """

    seed: int
    identifiers: int
    started: float
    name: str
    start: int
    folder: Path
    later: float = 0.0


@dataclass(frozen=True)
class ProcessState:
    """What one process of a run works with."""

    plan: Plan
    clock: FastClock
    chance: random.Random
    faults: AwsFaults
    folder: Path


def begin(environment: Mapping[str, str], facts: ProcessFacts) -> ProcessState:
    """Set this process up, with these variables and no others; only after it may a function's services be made."""
    end_with_spawner()
    os.environ.clear()
    os.environ.update(environment)
    _log_to(facts.folder / f"{facts.name}.log")
    plan = Plan(facts.seed, Size.of(facts.identifiers))
    clock = FastClock(facts.started, plan.size.factor)
    chance = plan.chance(facts.name, facts.start)
    faults = AwsFaults(plan, chance, clock, facts.folder)
    skewed = _skewed(plan.skew(facts.name, facts.start), clock, faults)
    enter(clock, lambda: facts.later + skewed())
    enter_idempotency()
    return ProcessState(plan, clock, chance, faults, facts.folder)


def _log_to(path: Path) -> None:
    """Write all output to a file, each line at once: of a process that is killed nothing is missing."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in (1, 2):
        os.dup2(log, number)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)


def _skewed(skew: float, clock: FastClock, faults: AwsFaults) -> Callable[[], float]:
    """Return this process's clock skew, in service seconds; a large one is corrected after a while."""
    if abs(skew) <= SKEW:
        return lambda: skew
    faults.note("clock_far_off")
    set_right = clock.passed() + WILD_SECONDS
    return lambda: skew if clock.passed() < set_right else 0.0


@dataclass(kw_only=True)
class Context(LambdaContext):
    """An invocation's context whose remaining time passes, in service time."""

    state: ProcessState
    seconds: float = FUNCTION_SECONDS

    def __post_init__(self) -> None:
        self._until = self.state.clock.passed() + self.seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left in milliseconds of service time."""
        return round(1000 * self.state.clock.factor * max(0.0, self._until - self.state.clock.passed()))
