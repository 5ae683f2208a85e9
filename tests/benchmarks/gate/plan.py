"""What one run is made of, and how time is scaled. Real seconds, unless a name says quota seconds."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from math import ceil

from lookup.quota import Quota

LATENCY = 0.25  # quota seconds, the mean of the vendor's answers
ON_DEMAND_RATE = 2.0  # users a quota second
WORKERS = 8
BURST = 200  # users
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # quota seconds of the shared back-off
WARM_UP = 1.5  # windows
LEARNING = 4.0  # windows after which every process has measured the time: it tries at all points of a second by then
MAX_WAIT = {"bulk": 20.0, "on_demand": 300.0}  # quota seconds one visit to the gate may wait


def scaled(quota: Quota, factor: float) -> Quota:
    """Return the quota with every span of time divided by `factor`: the same users in less time."""
    times = [each.name for each in fields(quota) if each.type == "float" and not each.name.endswith("_factor")]
    return replace(quota, **{name: getattr(quota, name) / factor for name in times})


def on_one_clock(quota: Quota) -> Quota:
    """Use the guard's share for clock skew as send spread: all processes of one machine read the same clock.

    The guard stays as wide as it was, so the quota loses as much to it. With no skew nothing is measured of the time.
    """
    return replace(quota, clock_skew=0.0, send_spread=quota.guard)


def quota_of_time(factor: float, plain: Quota) -> Quota:
    """Return the quota of a run: as it is in real time, else scaled, where no process can measure the time.

    A request to DynamoDB takes too large a part of a second that lasts a tenth.
    """
    return plain if factor == 1 else on_one_clock(scaled(plain, factor))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a run, in seconds since its start."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: spans of so many windows each, in this order; those of 0 windows do not happen.

    Traffic goes on while it drains, so that late waits are seen to their end.
    `job_users` makes the bulk work end after so many users; otherwise it is endless. `factor` is quota seconds in a
    real second.
    """

    factor: float = 10.0
    warm_up: float = WARM_UP
    alone: float = 10.0
    settle: float = 1.0
    together: float = 10.0
    bursts: int = 0
    between_bursts: float = 0.75
    drain: float = 0.5
    workers: int = WORKERS
    on_demand_processes: int = 4
    job_users: int | None = None
    quota: Quota = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quota", quota_of_time(self.factor, Quota()))

    @property
    def spans(self) -> dict[str, Span]:
        """Return the run's spans by name, in order of time."""
        bursts = self.bursts * self.between_bursts
        lengths = {
            "warm-up": self.warm_up,
            "bulk alone": self._in_rounds(self.alone),
            "settling": self.settle if self.has_on_demand else 0.0,
            "with on-demand": self._in_rounds(self.together),
            "bursts": bursts,
            "draining": self.drain if self.has_on_demand else 0.0,
        }
        ends = [0.0]
        for windows in lengths.values():
            ends.append(ends[-1] + windows * self.quota.window)
        return {name: Span(name, *bounds) for name, bounds in zip(lengths, pairwise(ends), strict=True)}

    def _in_rounds(self, windows: float) -> float:
        """Lengthen a measured span to whole rounds of the gate (window, guard and half a slot), in windows.

        What was granted comes free a round later, so a start's unevenness comes round and round: a span that cuts a
        round measures up to 0.8 % too little or too much.
        """
        quota = self.quota
        a_round = (quota.best_cycle if self.factor == 1 else quota.cycle) / quota.window
        return ceil(windows / a_round) * a_round

    @property
    def end(self) -> float:
        """When everybody stops."""
        return self.spans["draining"].end

    @property
    def on_demand_from(self) -> float:
        """When the first on-demand caller may come."""
        return self.spans["settling"].start

    @property
    def burst_times(self) -> list[float]:
        """When the bursts come."""
        start = self.spans["bursts"].start
        return [start + number * self.between_bursts * self.quota.window for number in range(self.bursts)]

    @property
    def has_on_demand(self) -> bool:
        """Whether there are on-demand callers at all."""
        return self.together > 0 or self.bursts > 0

    def real(self, quota_seconds: float) -> float:
        """Turn quota seconds into real ones."""
        return quota_seconds / self.factor
