"""The local stage: the embedded AWS with the deployed stack in it, and the vendor that it calls."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.ministack.process import PROJECT, EmbeddedAws
from infra.local.options import Options
from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Simulator
from infra.local.stage import function_logs
from infra.local.stage.clients import Clients
from infra.local.stage.deployment import Outputs, deploy
from infra.local.stage.people import put_people
from infra.local.stage.secrets_and_grants import put_secrets_and_grants
from infra.local.stage.synthesis import synthesis
from lookup.model import Sleep

Show = Callable[[str], None]
SIMULATED = {"workspace_id": WORKSPACE_ID, "data_api_key": DATA_API_KEY, "data_center": "01"}


@dataclass(frozen=True, slots=True)
class Stage:
    """What is deployed. `simulator` is None when the user named another vendor; waits for it take `sleep`."""

    endpoint_url: str
    clients: Clients
    outputs: Outputs
    simulator: Simulator | None
    folder: Path
    sleep: Sleep = time.sleep

    @property
    def bucket(self) -> str:
        """The name of the bucket of rosters and results."""
        return self.outputs["BucketName"]

    @property
    def api_url(self) -> str:
        """Where the deployed HTTP API answers; in AWS it has a host name of its own."""
        return f"{self.endpoint_url}/_aws/execute-api/{self.outputs['ApiId']}"

    @property
    def console_url(self) -> str:
        """Where its console is."""
        return f"{self.api_url}/console"


@contextmanager
def local_stage(options: Options, show: Show, sleep: Sleep = time.sleep) -> Iterator[Stage]:
    """Start and deploy everything; stop all of it at the end.

    `sleep` may raise what ends the start. Raises OSError that names what did not start, and its log.
    """
    folder = PROJECT / ".local" / f"run-{options.port}"
    shutil.rmtree(folder, ignore_errors=True)
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    with ExitStack() as running:
        running.callback(shutil.rmtree, scratch, ignore_errors=True)
        simulator = Simulator(log_path=folder / "simulator.log", sleep=sleep) if options.vendor is None else None
        vendor_url, credentials = _vendor(options, simulator)
        show("synthesising the stack (the stage `local`), unless the same files have made it before")
        made = running.enter_context(
            synthesis(vendor_url, outdir=folder / "cdk.out", log_path=folder / "synthesis.log", sleep=sleep)
        )
        if simulator is not None:
            running.enter_context(simulator)
            show(f"the simulated MoEngage listens on {simulator.endpoint_url}")
        server = running.enter_context(_server(options.port, folder, scratch, sleep))
        running.callback(function_logs.save, server, folder / "functions.log")
        show(f"the embedded AWS listens on {server.endpoint_url}")
        clients = Clients.of(server)
        outputs = deploy(clients, made.assembly(), sleep)
        put_secrets_and_grants(clients, outputs, credentials)
        stage = Stage(server.endpoint_url, clients, outputs, simulator, folder, sleep)
        put_people(clients, outputs, stage.console_url)
        show(f"the stack is deployed; logs are in {folder.relative_to(PROJECT)}/")
        yield stage


def _vendor(options: Options, simulator: Simulator | None) -> tuple[str, Mapping[str, str]]:
    if options.vendor is not None:
        return options.vendor.endpoint_url, options.vendor.credentials
    if simulator is None:
        raise ValueError("either a vendor is named or simulated")
    return simulator.endpoint_url, SIMULATED


def _server(port: int, folder: Path, scratch: Path, sleep: Sleep) -> EmbeddedAws:
    # The unpacked functions are in the scratch folder, which is deleted with the server.
    return EmbeddedAws(port=port, log_path=folder / "aws.log", settings={"TMPDIR": str(scratch)}, sleep=sleep)
