"""When a run is interrupted, and how."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# What the run says as it comes to each part of its way; "" is its very start, before it says anything.
MARKS = (
    "",
    "synthesising the stack",
    "the simulated MoEngage listens",
    "the embedded AWS listens",
    "the stack is deployed",
    "1  On demand",
    "2  From a queue",
    "3  On a schedule",
    "4  A lookup",
    "What came back",
    "The stage stays up",
)
STARTING, DEPLOYED = MARKS[:4], MARKS[4]  # the former are reached within seconds
SYNTHESISING = MARKS[:2]
Receiver = Literal["python", "make", "group"]


@dataclass(frozen=True, slots=True)
class Moment:
    """`delay` seconds after `mark` was said. Each signal is followed by the next `gap` seconds later.

    Of "make" and "group" (make with all that it started, as a terminal does it) the run is started by `make run`. A
    `fresh` one is the first command of a copy of the project, which prepares its environment.
    """

    mark: str
    delay: float
    signals: tuple[signal.Signals, ...]
    gap: float
    receiver: Receiver
    fresh: bool = False

    def __str__(self) -> str:
        after = "the first command" if self.fresh else self.mark or "the start"
        names = " and ".join(number.name for number in self.signals)
        return f"{names} to {self.receiver}, {self.delay:.2f} s after: {after}"


def moments(seed: int, number: int, marks: Sequence[str] = MARKS, fresh: int = 0) -> list[Moment]:
    """Draw moments: each mark as often as any other, each signal alone and twice in a row; the last few are `fresh`."""
    chance = random.Random(seed)
    order = [marks[index % len(marks)] for index in range(number)]
    chance.shuffle(order)
    return [_moment(chance, index, mark, fresh=index >= number - fresh) for index, mark in enumerate(order)]


def _moment(chance: random.Random, index: int, mark: str, *, fresh: bool) -> Moment:
    first = (signal.SIGINT, signal.SIGTERM)[index % 2]
    second = chance.choice((signal.SIGINT, signal.SIGTERM))
    return Moment(
        mark="" if fresh else mark,
        delay=chance.uniform(0.0, 8.0 if fresh else 2.0),
        signals=(first, second) if index // 2 % 2 else (first,),
        gap=chance.uniform(0.0, 1.0),
        receiver=chance.choice(("make", "group")) if fresh else chance.choice(("python", "python", "make", "group")),
        fresh=fresh,
    )
