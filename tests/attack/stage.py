"""The local stage of an attack: one workspace, two honest partners of unequal weight, an attacker, an operator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from infra.app import SOURCE, synthesise
from infra.app_client import SCOPES
from infra.local.ministack.process import EmbeddedAws
from infra.local.ports import free_port
from infra.local.simulator.faults import Fault
from infra.local.simulator.process import (
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from infra.local.stage.clients import Clients
from infra.local.stage.deployment import deploy
from infra.local.stage.stage import SIMULATED, Stage
from infra.stage_settings.partners import Partner, Webhook
from infra.stage_settings.workspaces import Workspace
from infra.stages import stage_named
from lookup.quota import Quota

LIMIT, WINDOW = 3000, 60.0  # users in seconds: enough parts in a minute that a share can be measured
WEIGHTS = {"large": 3, "small": 1, "attacker": 1}
ATTACKER_LIMIT = 2000  # users a day
ATTACKER_FIELDS = ("city", "customer_id")
ATTACKER_ERASES = 5  # identifiers a day
ATTACKER_SCOPES = f"{SCOPES} profiles/erase"
NOWHERE = "https://hooks.attacker.invalid/"  # RFC 6761: no name below this leads anywhere
SECRET = "canary-of-a-field-that-is-not-granted"
FAILS_AT_THE_VENDOR = ("fails-503", "fails-500", "fails-silently")
FORBIDDEN_BY_FIREWALL = ("' OR 1=1--<script>", "../../etc/passwd", "${jndi:ldap://x}")

PARTNERS = {
    "large": Partner(weight=WEIGHTS["large"]),
    "small": Partner(weight=WEIGHTS["small"]),
    "attacker": Partner(
        weight=WEIGHTS["attacker"],
        fields=ATTACKER_FIELDS,
        users_per_day=ATTACKER_LIMIT,
        erase=ATTACKER_ERASES,
        webhook=Webhook(url=NOWHERE),
    ),
    "admin": Partner(admin=True),
}


@dataclass(frozen=True, slots=True)
class Field:
    """Where the attack takes place."""

    stage: Stage
    simulator: Simulator


@contextmanager
def deployed(folder: Path) -> Iterator[Field]:
    """Deploy the stage and its vendor below `folder`, and stop both at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    vendor = SimulatorConfig(
        workspaces={WORKSPACE_ID: WorkspaceConfig(quota=QuotaConfig(limit=LIMIT, window=WINDOW))},
        latency=LatencyConfig(mean=0.1),
        not_found_share=0.0,
    )
    with (
        Simulator(config=vendor, log_path=folder / "simulator.log") as simulator,
        EmbeddedAws(port=free_port(), log_path=folder / "aws.log", settings={"TMPDIR": str(scratch)}) as server,
    ):
        simulator.set_faults(
            Fault(status=403, body="html", identifiers=FORBIDDEN_BY_FIREWALL, name="firewall"),
            Fault(status=503, headers={"Retry-After": "600"}, identifiers=FAILS_AT_THE_VENDOR[:1], name="503 until"),
            Fault(status=500, identifiers=FAILS_AT_THE_VENDOR[1:2], name="500"),
            Fault(drop=True, identifiers=FAILS_AT_THE_VENDOR[2:], name="dropped"),
        )
        clients = Clients.of(server)
        outputs = deploy(clients, _assembly(simulator.endpoint_url, folder))
        secret = json.dumps(SIMULATED)
        clients.secretsmanager.put_secret_value(SecretId=outputs["SecretDefaultId"], SecretString=secret)
        yield Field(Stage(server.endpoint_url, clients, outputs, simulator, folder), simulator)


def _assembly(endpoint_url: str, folder: Path) -> Path:
    settings = replace(
        stage_named("local", {"MOENGAGE_ENDPOINT_URL": endpoint_url}),
        workspaces={"default": Workspace(quota=Quota(limit=LIMIT, window=WINDOW))},
        partners=PARTNERS,
        schedules=(),
    )
    return synthesise(settings, code=SOURCE, outdir=folder / "cdk.out", checked=False).parent
