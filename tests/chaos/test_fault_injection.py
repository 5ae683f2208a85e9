"""Each revoked key and outage meets a call, however little work is left."""

from __future__ import annotations

import json
import time
from pathlib import Path

from infra.local.simulator.process import DATA_API_KEY, Simulator
from tests.chaos.clock import FastClock
from tests.chaos.fault_evidence import faults
from tests.chaos.faults import FaultInjector
from tests.chaos.plan import Plan, Size
from tests.chaos.processes import Processes
from tests.chaos.test_faults import ask
from tests.lookup.conftest import stage
from tests.lookup.stage import SECRET_ID, Stage

__all__ = ["stage"]


def test_idle_workers_meet_every_dead_key_and_outage(stage: Stage, simulator: Simulator, tmp_path: Path) -> None:
    """With no calls but those of extra messages, both rotations are refused and used, and the outage is noticed."""
    plan = Plan(1, Size.of(400))
    object.__setattr__(plan, "pulses", ())

    def send_one_more() -> None:
        """Call for one user with the key that the secret holds, as a new process would."""
        secret = json.loads(stage.secretsmanager.get_secret_value(SecretId=SECRET_ID)["SecretString"])
        ask(simulator, secret["data_api_key"])

    clock = FastClock(time.time(), plan.size.factor)
    injector = FaultInjector(plan, clock, stage, simulator, Processes({}, {}, tmp_path), send_one_more)
    try:
        send_one_more()
        injector.run()
    finally:
        simulator.rotate_key(DATA_API_KEY)
    struck = faults(plan, simulator.arrivals(), {}, injector.rotations, injector.returns)
    assert (struck["key_rotated"], struck["vendor_outage"]) == (2, 1)
    assert struck["vendor_away"] > 0
