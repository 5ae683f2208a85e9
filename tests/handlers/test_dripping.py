"""A vendor that drips never keeps a caller until the function is killed."""

from __future__ import annotations

import time

import pytest

from infra.local.simulator.process import Fault, Simulator
from tests.handlers.calling import Calling

PROFILE = "/v1/profiles/customer_id/C-1001"


@pytest.mark.parametrize("drip", ["headers", "body"])
def test_a_caller_hears_of_it_in_time(call: Calling, simulator: Simulator, drip: str) -> None:
    """A caller that waits a second gets a 503 a few seconds later, whether headers or body arrive slowly."""
    simulator.set_faults(Fault(drip=drip, drip_pause=0.2))  # type: ignore[arg-type]  # a drip
    started = time.monotonic()
    status, problem, _ = call("GET", PROFILE, prefer="wait=1")
    assert time.monotonic() - started < 20
    assert (status, problem["type"].rpartition(":")[2]) == (503, "vendor-trouble")
