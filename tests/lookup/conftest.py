"""Fixtures of the service's tests: a stage of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, settings

from infra.local.simulator.process import Simulator
from tests.lookup.stage import Stage, deployed

# A busy machine is no finding: what a test draws may take as long as it takes.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def stage(aws: boto3.Session, simulator: Simulator) -> Iterator[Stage]:
    """Deploy a stage into an empty account; its vendor is the simulated MoEngage as new."""
    with deployed(aws, simulator.endpoint_url) as stage:
        yield stage
