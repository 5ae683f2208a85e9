"""What every process of a run does first: enter service time, put faults between itself and AWS, become a door.

The environment variable CHAOS says which process this is: JSON with `seed`, `identifiers`, `started`, `name`, `birth`
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

RAISED = "raised"  # what is noted of an invocation that ended with an error: no fault, but what faults lead to


@dataclass(frozen=True)
class Life:
    """One life of one process."""

    plan: Plan
    clock: FastClock
    chance: random.Random
    faults: AwsFaults
    folder: Path


def begin() -> Life:
    """Begin this process's life; only after it may the functions be imported."""
    told = json.loads(os.environ["CHAOS"])
    plan = Plan(told["seed"], Size.of(told["identifiers"]))
    clock, folder = FastClock(told["started"], plan.size.factor), Path(told["folder"])
    chance = plan.chance(told["name"], told["birth"])
    faults = AwsFaults(plan, chance, clock, folder)
    enter(clock, _skewed(plan.skew(told["name"], told["birth"]), clock, faults))
    enter_idempotency()
    return Life(plan, clock, chance, faults, folder)


def _skewed(skew: float, clock: FastClock, faults: AwsFaults) -> Callable[[], float]:
    """Tell how far off this process's clock is; what is far off is set right after a while."""
    if abs(skew) <= SKEW:
        return lambda: skew
    faults.note("clock_far_off")
    set_right = clock.passed() + WILD_SECONDS
    return lambda: skew if clock.passed() < set_right else 0.0


@dataclass(kw_only=True)
class Context(LambdaContext):
    """An invocation's context whose remaining time passes, in service time."""

    life: Life

    def __post_init__(self) -> None:
        self._until = self.life.clock.passed() + FUNCTION_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left in milliseconds of service time."""
        return round(1000 * self.life.clock.factor * max(0.0, self._until - self.life.clock.passed()))
