"""What every process of a run does first: enter service time, inject faults between itself and AWS, act as a handler.

The environment variable CHAOS describes this process: JSON with `seed`, `identifiers`, `started`, `name`, `start`
(how often this process was started before) and `folder`.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.aws_faults import AwsFaults
from tests.chaos.clock import FastClock, enter, enter_idempotency
from tests.chaos.plan import FUNCTION_SECONDS, SKEW, WILD_SECONDS, Plan, Size
from tests.lambda_context import LambdaContext

RAISED = "raised"  # what is noted of an invocation that ended with an error: no fault, but a consequence of faults


@dataclass(frozen=True)
class ProcessState:
    """What one process of a run works with."""

    plan: Plan
    clock: FastClock
    chance: random.Random
    faults: AwsFaults
    folder: Path


def begin() -> ProcessState:
    """Set this process up; only after it may the functions be imported."""
    facts = json.loads(os.environ["CHAOS"])
    plan = Plan(facts["seed"], Size.of(facts["identifiers"]))
    clock, folder = FastClock(facts["started"], plan.size.factor), Path(facts["folder"])
    chance = plan.chance(facts["name"], facts["start"])
    faults = AwsFaults(plan, chance, clock, folder)
    enter(clock, _skewed(plan.skew(facts["name"], facts["start"]), clock, faults))
    enter_idempotency()
    return ProcessState(plan, clock, chance, faults, folder)


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

    def __post_init__(self) -> None:
        self._until = self.state.clock.passed() + FUNCTION_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left in milliseconds of service time."""
        return round(1000 * self.state.clock.factor * max(0.0, self._until - self.state.clock.passed()))
