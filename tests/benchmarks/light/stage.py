"""A stage for the benchmarks: embedded AWS, a simulated MoEngage, and the environment by which functions find both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from infra.local.ministack.process import EmbeddedAws
from infra.local.simulator.process import Simulator, instant
from lookup.quota import Quota
from tests.benchmarks.gate.stage import aws_environment
from tests.handlers.conftest import CLIENT_ID
from tests.lookup.stage import SECRET_ID, Stage, deployed

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "events"
AMPLE = Quota(limit=1_000_000)  # the gate is called, and has room
_accounts = count(200_000_000_000)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stage, its vendor, and the environment of its functions."""

    stage: Stage
    vendor: Simulator
    environment: Mapping[str, str]


@contextmanager
def ample_stage(server: EmbeddedAws, quota: Quota = AMPLE) -> Iterator[Deployed]:
    """Deploy a stage of its own whose vendor answers at once and knows everybody, within this quota."""
    account = str(next(_accounts))
    with Simulator(config=instant()) as vendor:
        vendor.configure(not_found_share=0.0)
        with deployed(server.session(account), vendor.endpoint_url) as stage:
            workspace = replace(stage.settings.workspace("default"), secret_id=SECRET_ID, quota=quota)
            settings = replace(stage.settings, workspaces={"default": workspace})
            grants = {CLIENT_ID: {"name": "acme", "workspaces": ["default"], "fields": None, "weight": 1}}
            stage.session.client("ssm").put_parameter(
                Name=settings.partners_parameter_name, Value=json.dumps(grants), Type="String"
            )
            environment = aws_environment(server.endpoint_url) | {"AWS_ACCESS_KEY_ID": account}
            own = settings.to_environment() | {"POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup"}
            yield Deployed(replace(stage, settings=settings), vendor, environment | own)
