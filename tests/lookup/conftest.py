"""For the road's tests: a stage of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from infra.local.simulator.process import Simulator
from tests.lookup.stage import Stage, deployed


@pytest.fixture
def stage(aws: boto3.Session, simulator: Simulator) -> Iterator[Stage]:
    """Deploy a stage into an empty account; its vendor is the simulated MoEngage as new."""
    with deployed(aws, simulator.endpoint_url) as stage:
        yield stage
