"""Where a stage is rehearsed: an AWS account, or the embedded AWS with the simulated vendor, by the same commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.local.ministack.process import ACCOUNT, PROJECT, REGION, EmbeddedAws
from infra.local.ports import free_port
from infra.local.simulator.process import (
    DATA_API_KEY,
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from infra.local.stage.clients import CONFIG
from infra.stage_settings.stage import LOCAL
from lookup.quota import Quota

COMMAND_SECONDS = 1800.0  # of one make command; a first deployment takes some five minutes
SHOWN_LINES = 5
LOCAL_LIMIT = 6000  # users a minute of the embedded vendor: a roster of thousands in seconds
CREDENTIALS = ("MOENGAGE_WORKSPACE_ID", "MOENGAGE_DATA_API_KEY", "MOENGAGE_DATA_CENTER")


@dataclass(frozen=True, slots=True)
class Platform:
    """An account and the environment in which commands reach it. `is_local`: the embedded AWS."""

    stage_name: str
    environment: Mapping[str, str]
    folder: Path
    endpoint_url: str | None = None

    @property
    def is_local(self) -> bool:
        """Return whether this is the embedded AWS."""
        return self.endpoint_url is not None

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes a class for each service
        """Return a client of one of AWS's services."""
        if self.endpoint_url is None:
            return boto3.client(service)  # type: ignore[call-overload]  # any of them
        session: Any = boto3.Session(ACCOUNT, "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint_url, config=CONFIG)

    def make(self, target: str, **settings: str) -> str:
        """Run a make target for the stage; return its output. Raises `OSError` with its last lines when it fails."""
        log = self.folder / f"make-{target}.log"
        command = ["make", "--no-print-directory", target, f"STAGE={self.stage_name}", "APPROVAL=never"]
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603 - the project's own commands
                command, cwd=PROJECT, env={**self.environment, **settings}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS, check=False,
            )  # fmt: skip
        text = log.read_text(errors="replace")
        if done.returncode != 0:
            ending = " | ".join(text.strip().splitlines()[-SHOWN_LINES:])
            raise OSError(f"make {target} failed ({log}): {ending}")
        return text


@contextmanager
def platform_of(stage_name: str) -> Iterator[Platform]:
    """Return the account of the environment, or start the embedded AWS for the stage `local`."""
    folder = PROJECT / ".local" / f"rehearsal-{stage_name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if stage_name != LOCAL:
        yield Platform(stage_name, dict(os.environ), folder)
        return
    with _vendor(folder) as vendor, _embedded(folder) as server:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,  # the CDK's CLI reads this name, boto3 the next
            "AWS_DEFAULT_REGION": REGION,
            "HOME": str(folder),
            "UNCHECKED": "1",  # `make check` looks at the same template
            "MOENGAGE_ENDPOINT_URL": vendor.endpoint_url,
            "MOENGAGE_QUOTA_LIMIT": str(LOCAL_LIMIT),
            **dict(zip(CREDENTIALS, (WORKSPACE_ID, DATA_API_KEY, "01"), strict=True)),
        }
        yield Platform(stage_name, environment, folder, server.endpoint_url)


def _vendor(folder: Path) -> Simulator:
    quota = QuotaConfig(limit=LOCAL_LIMIT, window=Quota().window)
    config = SimulatorConfig(workspaces={WORKSPACE_ID: WorkspaceConfig(quota=quota)}, latency=LatencyConfig(mean=0.05))
    return Simulator(config=config, log_path=folder / "simulator.log")


def _embedded(folder: Path) -> EmbeddedAws:
    scratch = folder / "scratch"
    scratch.mkdir()
    return EmbeddedAws(port=free_port(), log_path=folder / "aws.log", settings={"TMPDIR": str(scratch)})
