"""The report of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

from infra.local.display import Display
from infra.local.simulator.process import Arrival
from tests.chaos.findings import Findings


@dataclass(frozen=True)
class Report:
    """One run. `recovery_seconds` are of service time, `seconds` real ones; `fullest` of the limit.

    `compared` counts what the checks compared.
    """

    seed: int
    identifiers: int
    found: Findings
    recovery_seconds: float
    faults: Mapping[str, int]
    planned: frozenset[str]
    seconds: float
    outcomes: Mapping[str, int]
    compared: Mapping[str, int]
    fullest: float

    @property
    def missed(self) -> list[str]:
        """The kinds of fault that were to strike and did not."""
        return sorted(kind for kind in self.planned if not self.faults[kind])

    def to_json(self) -> dict[str, object]:
        """Return the line for programs."""
        return {
            "seed": self.seed,
            "identifiers": self.identifiers,
            **self.found.numbers,
            "recovery_seconds": round(self.recovery_seconds, 1),
            "faults": dict(self.faults),
        }

    def show(self, display: Display) -> None:
        """Show the report on the terminal."""
        display.table(("faults injected", "times"), [(kind, str(times)) for kind, times in self.faults.items()])
        display.table(("found", "times"), [(name, str(times)) for name, times in self.found.numbers.items()])
        for name, examples in self.found.examples.items():
            for example in examples:
                display.error(f"{name}: {example}")
        if self.missed:
            display.error(f"never struck: {', '.join(self.missed)}")
        display.line("compared: " + ", ".join(f"{times} {what}" for what, times in self.compared.items()))
        outcomes = ", ".join(f"{times} {outcome}" for outcome, times in sorted(self.outcomes.items()))
        display.line(f"outcomes: {outcomes}; the fullest window held {self.fullest:.0%} of the limit")
        display.line(
            f"{self.identifiers} identifiers, {sum(self.faults.values())} faults, {self.seconds:.0f} s; "
            f"users again {self.recovery_seconds:.0f} s of service time after MoEngage's outage"
        )


def recovery(arrivals: Sequence[Arrival], returns: Sequence[float]) -> Iterator[float]:
    """Return for each return of the vendor the real seconds until it answered a call with users.

    If it went away once more before that, the later return counts.
    """
    for returned, next_return in pairwise([*returns, math.inf]):
        answered = (call.epoch for call in arrivals if call.epoch >= returned and _is_answered(call))
        first = next(answered, math.inf)
        if first < next_return:
            yield first - returned


def _is_answered(call: Arrival) -> bool:
    return call.status == HTTPStatus.OK and call.fault is None and call.users > 0
