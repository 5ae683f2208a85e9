"""How a workspace's vendor quota is spent: the settings of its gate, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from lookup.errors import require

MAX_LIMIT = 1_000_000  # users: far above any vendor's, and small enough for the gate's item
MAX_WINDOW = 86_400.0  # seconds; no vendor's is longer, and its closings last fifteen windows
MAX_CLOCK_SKEW = 0.5  # seconds: the gate treats a clock that is further off as wrong
MAX_FACTOR = 1_000_000.0  # of a pace: a higher one limits nothing
RING_SLOTS = 62  # slots that the gate's item can hold under 1 KB, with its margins
HALF = 0.5
TOO_LARGE = 1e300  # whole numbers may be too large for floating point
TOLERANCE = 1e-9  # of sums of settings: 2 * 0.025 + 0.05 is not quite 0.1


@dataclass(frozen=True, slots=True)
class Quota:
    """How a workspace's vendor quota is spent. Seconds and users; see `docs/gate.md`."""

    limit: int = 1000
    window: float = 60.0
    clock_skew: float = 0.25
    send_spread: float = 0.5
    transit: float = 0.25
    guard: float = 1.0
    headroom: int = 20
    quiet_headroom: int = 2
    pace_window: float = 3.0
    pace_factor: float = 1.2
    smooth_factor: float = 1.06

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            number = isinstance(value, int | float) and abs(value) < TOO_LARGE
            require(number and not isinstance(value, bool), f"quota.{setting.name}", "must be a finite number")
            whole = setting.type != "int" or isinstance(value, int)
            require(whole, f"quota.{setting.name}", "must be a whole number of users")
        for name, ok, rule in self._rules():
            require(ok, f"quota.{name}", rule)

    @property
    def guarded(self) -> float:
        """For how long a grant counts: the window and the guard (seconds)."""
        return self.window + self.guard

    @property
    def slot(self) -> float:
        """The resolution of the window (seconds): as fine as the gate's item has room for.

        A grant counts for a whole number of slots and a half, so that capacity can be granted again within half a slot,
        and half a slot is lost instead of a whole one.
        """
        most = RING_SLOTS * self.guarded / (self.guarded + 2 * self.clock_skew)
        return self.guarded / (math.floor(most - HALF) + HALF)

    @property
    def cycle(self) -> float:
        """After how many seconds a granted user can surely be granted again."""
        return self.guarded + HALF * self.slot

    @property
    def best_cycle(self) -> float:
        """The same for processes that have measured the time: a slot less of the guard (see `docs/gate.md`)."""
        return self.cycle - self.slot

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        yield "limit", 1 <= self.limit <= MAX_LIMIT, "must be 1 to 1,000,000 users"
        yield "window", 1 <= self.window <= MAX_WINDOW, "must be 1 second to a day"
        yield "clock_skew", 0 <= self.clock_skew <= MAX_CLOCK_SKEW + TOLERANCE, "must be 0 to 0.5 seconds"
        yield "transit", self.transit > 0, "must be over 0 seconds"
        yield "send_spread", self.send_spread > self.transit, "must be over quota.transit"
        covered = self.guard >= 2 * self.clock_skew + self.send_spread - TOLERANCE
        yield "guard", covered, "must cover twice quota.clock_skew plus quota.send_spread"
        yield "guard", self.guard <= self.window, "must be at most quota.window"
        yield "headroom", 0 <= self.headroom < self.limit, "must be 0 or more and under quota.limit"
        yield "quiet_headroom", 0 <= self.quiet_headroom <= self.headroom, "must be 0 or more, at most quota.headroom"
        yield (
            "pace_window",
            self.slot <= self.pace_window <= self.window,
            f"must be from a slot ({self.slot:.3g} s) to quota.window",
        )
        for name in ("smooth_factor", "pace_factor"):
            speed = "must be 1 to 1,000,000; under 1 the quota cannot be used"
            yield name, 1 <= getattr(self, name) <= MAX_FACTOR, speed
