"""How long an answer takes."""

from __future__ import annotations

import random
from statistics import mean

import pytest

from infra.local.simulator.config import Distribution, LatencyConfig
from infra.local.simulator.vendor import draw


@pytest.mark.parametrize("distribution", ["constant", "uniform", "lognormal"])
def test_the_mean_is_as_set(distribution: Distribution) -> None:
    """Whatever the distribution, the mean is the one set, and the same seed draws the same latencies."""
    latency = LatencyConfig(mean=0.25, distribution=distribution, spread=0.1)
    source = random.Random(1)
    drawn = [draw(latency, source) for _ in range(2000)]
    assert mean(drawn) == pytest.approx(0.25, rel=0.02)
    assert drawn[0] == draw(latency, random.Random(1))
    assert min(drawn) >= 0


def test_no_latency() -> None:
    """A mean of 0 is no latency, with any distribution."""
    assert draw(LatencyConfig(mean=0.0), random.Random(1)) == 0.0
