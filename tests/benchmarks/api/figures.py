"""Times of many requests, as three numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds that half, 95 % and 99 % of the requests stayed under."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Take it of at least two times in seconds."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(*(round(1000 * cuts[percent - 1], 3) for percent in (50, 95, 99)))

    def to_json(self) -> dict[str, float]:
        """Return it by name."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99}
