"""For the simulator's own tests: a client of the shared process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.simulator.process import Simulator
from tests.local.simulator.calling import Asker, asker


@pytest.fixture(scope="session")
def _asker(simulator_process: Simulator) -> Iterator[Asker]:
    client = asker(simulator_process.endpoint_url)
    yield client
    client.pool.clear()


@pytest.fixture
def ask(simulator: Simulator, _asker: Asker) -> Asker:
    """Return a client of the simulator as new."""
    return _asker
