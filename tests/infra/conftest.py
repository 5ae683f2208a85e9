"""One synthesis per stage for all tests, which run in the process that has it (`tests/distribution.py`).

Beside the three stages there is `full`: prod with every switch on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from infra.app import SOURCE, synthesise
from infra.stage_settings.partners import Partner, Webhook
from infra.stage_settings.workspaces import Workspace
from infra.stages import stage_named
from tests.infra.template import Template

STAGES = ("dev", "prod", "local")
CALLED = Webhook(url="https://hooks.example.com/moengage?key=1")
FULL = replace(
    stage_named("prod", {}),
    name="full",
    workspaces={"default": Workspace(), "asia": Workspace()},
    partners={"demo": Partner(webhook=CALLED), "quiet": Partner()},
    queue_memory_mb=512,
    tracing=True,
    snap_start=True,
    fixed_egress=True,
    alarm_email="oncall@example.com",
    runbook_url="https://wiki.example.com/runbook",
    tags={"team": "crm"},
)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    outdir: Path = tmp_path_factory.mktemp("cdk.out")
    stages = {name: stage_named(name, {}) for name in STAGES} | {"full": FULL}
    return {name: Template.read(synthesise(stage, code=SOURCE, outdir=outdir / name)) for name, stage in stages.items()}


@pytest.fixture(params=STAGES)
def template(request: pytest.FixtureRequest, templates: Mapping[str, Template]) -> Template:
    return templates[str(request.param)]


@pytest.fixture
def full(templates: Mapping[str, Template]) -> Template:
    return templates["full"]


@pytest.fixture
def local(templates: Mapping[str, Template]) -> Template:
    return templates["local"]
