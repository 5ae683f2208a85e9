"""Shared by all tests: one embedded AWS and one simulated MoEngage per test process; per test an account, a reset."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.local.ministack.process import EmbeddedAws
from infra.local.ports import free_port
from infra.local.simulator.process import Simulator, instant
from tests.aws_client_timeouts import be_patient
from tests.distribution import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.quick_sessions import make_sessions_quick
from tests.signals import as_at_a_terminal

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_auto_num_workers", "pytest_xdist_make_scheduler"]

make_sessions_quick()
be_patient()
# Processes by the hundred begin in a run; each would compile its libraries anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

as_at_a_terminal()

_accounts = itertools.count(100_000_000_000)


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """Run one MiniStack for the whole test process."""
    log_path: Path = tmp_path_factory.mktemp("embedded_aws") / "ministack.log"
    with EmbeddedAws(port=free_port(), log_path=log_path, settings={"LOG_LEVEL": "WARNING"}) as server:
        yield server


@pytest.fixture
def account() -> str:
    """Return the number of an account that no other test has; with MiniStack it is the access key too."""
    return str(next(_accounts))


@pytest.fixture
def aws(embedded_aws: EmbeddedAws, account: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Return a session in an empty account of its own; clients find the server through AWS_ENDPOINT_URL."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded_aws.endpoint_url)
    return embedded_aws.session(account)


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run one simulated MoEngage for the whole test process: without latency, without a quota."""
    with Simulator(config=instant(), log_path=tmp_path_factory.mktemp("simulator") / "simulator.log") as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """Return the simulated MoEngage as new: nothing counted, no faults, no users set."""
    simulator_process.reset()
    return simulator_process
