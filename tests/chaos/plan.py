"""Everything that is drawn from the seed: how big the run is, what fails, how often and when.

The plan is the same for the same seed and number of identifiers. Which request a fault meets is not: that depends on
how the machine lets threads and processes take turns. Times are real seconds since the run's start.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from infra.local.simulator.faults import Fault
from lookup.quota import Quota
from tests.benchmarks.gate.plan import scaled
from tests.chaos.vendor_faults import drawn_faults

SMALL = 3000  # identifiers under which a run is scaled for speed
SKEW = 0.5  # service seconds that a clock may be off; as in the settings
WILD_SHARE, WILD_SKEWS = 0.1, (3.0, 30.0)  # of processes whose clock is far off at first, by service seconds
SURELY_WILD = ("queue-0", 0)  # the process, by name and number of starts, whose clock is far off in every long run
WILD_SECONDS = 5.0  # real seconds after which such a clock is set right
VISIBILITY = 5  # real seconds for which a queue hides what was received
FUNCTION_SECONDS = 4.0  # real seconds that an invocation has


@dataclass(frozen=True, slots=True)
class Size:
    """The run's amount, pace and severity.

    `rate` is users a second of the vendor's quota; `outage` is how long the vendor is away; `severity` multiplies the
    odds of a fault, so that a small run meets all kinds too.
    """

    identifiers: int
    factor: float
    window: float
    rate: float
    margin: float  # seconds between a grant's stamp and the vendor's count
    pollers: int
    partners: int
    kill_every: float
    outages: int
    outage: float
    severity: float

    @classmethod
    def of(cls, identifiers: int) -> Size:
        """Scale a small run for the test suite, a large one for weight."""
        if identifiers < SMALL:  # as in `is_long`
            return cls(identifiers, 20.0, 1.5, 120.0, 0.7, 2, 1, 2.5, 1, 1.5, 2.5)
        return cls(identifiers, 10.0, 3.0, 180.0, 0.7, 3, 2, 8.0, 3, 5.0, 1.0)

    @property
    def is_long(self) -> bool:
        """Whether the run is long enough to meet every kind of fault."""
        return self.identifiers >= SMALL

    @property
    def limit(self) -> int:
        """The vendor's users per window."""
        return round(self.rate * self.window)

    @property
    def horizon(self) -> float:
        """How long orders and faults keep coming: about as long as the quota needs for all of it."""
        share_used = self.window / (self.window + self.margin + 2 * SKEW / self.factor)
        return max(8.0, self.identifiers / (self.rate * share_used))

    @property
    def quota(self) -> Quota:
        """The workspace's settings, in service seconds."""
        skew = SKEW / self.factor
        guard = self.margin + 2 * skew
        real = Quota(
            limit=self.limit,
            window=self.window,
            clock_skew=skew,
            send_spread=self.margin,
            transit=self.margin * 0.6,
            guard=guard,
            pace_window=min(self.window, 60 / self.rate),
        )
        return scaled(real, 1 / self.factor)


@dataclass(frozen=True, slots=True)
class Odds:
    """How often a request to AWS meets which fault, as shares of the requests that can meet it."""

    throttled: float
    reply_lost: float
    conflict: float
    unprocessed: float
    killed: float


@dataclass(frozen=True, slots=True)
class Storm:
    """A stretch of time in which most requests to one service are throttled."""

    service: str
    start: float
    end: float
    share: float


@dataclass(frozen=True, slots=True)
class Rotation:
    """The key is replaced in MoEngage `at`; the secret holds the new one `gap` seconds later."""

    at: float
    gap: float


@dataclass(frozen=True)
class Plan:
    """One run. `kills` are the moments at which some process dies; `versions` those at which every user changes."""

    seed: int
    size: Size
    odds: Odds = field(init=False)
    storms: tuple[Storm, ...] = field(init=False)
    vendor: tuple[Fault, ...] = field(init=False)
    pulses: tuple[tuple[float, Fault], ...] = field(init=False)
    outages: tuple[tuple[float, float], ...] = field(init=False)
    rotations: tuple[Rotation, ...] = field(init=False)
    versions: tuple[float, ...] = field(init=False)
    kills: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, value in drawn(random.Random(f"plan of {self.seed}"), self.size).items():
            object.__setattr__(self, name, value)

    @property
    def struck_share(self) -> float:
        """The share of calls that meet the vendor's faults, beside pulses and outages."""
        return sum(one.share for one in self.vendor)

    def chance(self, *whose: object) -> random.Random:
        """Return a process's or a thread's own random generator."""
        return random.Random(f"{self.seed} {whose}")

    def skew(self, *whose: object) -> float:
        """Draw how many service seconds a process's clock is off."""
        chance = self.chance("skew", *whose)
        is_chosen = self.size.is_long and whose == SURELY_WILD
        if is_chosen or chance.random() < WILD_SHARE:
            return chance.choice((-1, 1)) * chance.uniform(*WILD_SKEWS)
        return chance.uniform(-SKEW, SKEW)


def drawn(chance: random.Random, size: Size) -> dict[str, object]:
    """Draw a run's plan."""
    end, severity = size.horizon, size.severity
    timeouts = max(2, size.identifiers // 2500)
    usual, pulses = drawn_faults(chance, severity, timeouts=timeouts, every_kind=size.is_long)
    return {
        "odds": Odds(
            throttled=severity * chance.uniform(0.005, 0.02),
            reply_lost=severity * chance.uniform(0.004, 0.01),
            conflict=severity * chance.uniform(0.02, 0.08),
            unprocessed=severity * chance.uniform(0.03, 0.1),
            killed=severity * chance.uniform(0.0001, 0.0003),
        ),
        "storms": tuple(_storm(chance, service, end) for service in ("dynamodb", "dynamodb", "s3")),
        "vendor": usual,
        "pulses": tuple(sorted(((chance.uniform(0.1, 0.9) * end, one) for one in pulses), key=lambda one: one[0])),
        "outages": _outages(chance, size),
        "rotations": tuple(
            Rotation(end * chance.uniform(*span), chance.uniform(0.02, 0.1) * size.window)
            for span in ((0.1, 0.25), (0.35, 0.5))
        ),
        "versions": tuple(sorted(chance.uniform(0.1, 0.95) * end for _ in range(4))),
        "kills": tuple(sorted(chance.uniform(0.5, end) for _ in range(round(end / size.kill_every)))),
    }


def _storm(chance: random.Random, service: str, end: float) -> Storm:
    start = chance.uniform(0.1, 0.8) * end
    return Storm(service, start, start + chance.uniform(0.5, 1.5), chance.uniform(0.5, 0.8))


def _outages(chance: random.Random, size: Size) -> tuple[tuple[float, float], ...]:
    """Return the outages, one in every stretch of the second half."""
    stretch = size.horizon * 0.4 / size.outages
    starts = [size.horizon * 0.5 + stretch * (number + chance.uniform(0, 0.4)) for number in range(size.outages)]
    return tuple((start, start + size.outage * chance.uniform(0.7, 1.3)) for start in starts)
