"""Fixtures of the gate's tests."""

from __future__ import annotations

import boto3
import pytest

from lookup.gate.limiter import gate_client
from tests.lookup.gate.faulty_dynamodb import Stage
from tests.lookup.gate.ledger import create_ledger


@pytest.fixture
def stage(aws: boto3.Session) -> Stage:
    create_ledger(aws)
    stage = Stage(gate_client(aws), now=1_800_000_000.5)
    stage.gate.state()
    return stage
