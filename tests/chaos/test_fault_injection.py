"""The weather strikes by construction: however little is left of the work, somebody meets each dead key and outage."""

from __future__ import annotations

import json
import time
from pathlib import Path

from infra.local.simulator.process import DATA_API_KEY, Simulator
from tests.chaos.clock import FastClock
from tests.chaos.fault_evidence import faults
from tests.chaos.faults import Weather
from tests.chaos.plan import Plan, Size
from tests.chaos.processes import Crew
from tests.chaos.test_faults import ask
from tests.lookup.conftest import stage
from tests.lookup.stage import SECRET_ID, Stage

__all__ = ["stage"]


def test_idle_workers_meet_every_dead_key_and_outage(stage: Stage, simulator: Simulator, tmp_path: Path) -> None:
    """With nobody calling but who is sent to, both rotations are refused and used, and the outage is noticed."""
    plan = Plan(1, Size.of(400))
    object.__setattr__(plan, "pulses", ())

    def knock() -> None:
        """Be a process that has just been started: ask for one user with the key that the secret holds."""
        secret = json.loads(stage.secretsmanager.get_secret_value(SecretId=SECRET_ID)["SecretString"])
        ask(simulator, secret["data_api_key"])

    clock = FastClock(time.time(), plan.size.factor)
    weather = Weather(plan, clock, stage, simulator, Crew({}, {}, tmp_path), knock)
    try:
        knock()
        weather.run()
    finally:
        simulator.rotate_key(DATA_API_KEY)
    struck = faults(plan, simulator.arrivals(), {}, weather.rotations, weather.returns)
    assert (struck["key_rotated"], struck["vendor_outage"]) == (2, 1)
    assert struck["vendor_away"] > 0
