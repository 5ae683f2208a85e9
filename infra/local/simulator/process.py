"""The simulator as a child process, and everything that can be asked of it: what tests, benchmarks and the stage use.

with Simulator(config=instant()) as simulator:
    ...  # POST to simulator.endpoint_url + "/v1/customers/export?app_id=" + WORKSPACE_ID
    simulator.set_faults(Fault(status=503, calls=2))
    assert simulator.counters().refusals == {503: 2}
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import simplejson
import urllib3

from infra.local.ports import free_port
from infra.local.processes import child
from infra.local.simulator.config import (
    DATA_API_KEY,
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    SimulatorConfig,
    WorkspaceConfig,
    instant,
)
from infra.local.simulator.faults import Fault
from infra.local.simulator.journal import Arrival, Counters
from lookup.model import Sleep

__all__ = [
    "DATA_API_KEY",
    "WORKSPACE_ID",
    "Arrival",
    "Counters",
    "Fault",
    "LatencyConfig",
    "QuotaConfig",
    "Simulator",
    "SimulatorConfig",
    "WorkspaceConfig",
    "instant",
]
START_SECONDS = 300.0  # it ends the wait itself when it cannot start


@dataclass
class Simulator:
    """One simulated MoEngage on 127.0.0.1.

    As a context manager it starts the process and stops it, by process id. Without `with` it speaks to a simulator
    that already listens on `port`. Every method raises ValueError with the reason if the simulator says no.
    """

    port: int = field(default_factory=free_port)
    config: SimulatorConfig = field(default_factory=SimulatorConfig)
    log_path: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=60.0))
    sleep: Sleep = time.sleep

    @property
    def endpoint_url(self) -> str:
        """The vendor's address: what `https://api-01.moengage.com` is to the real one."""
        return f"http://127.0.0.1:{self.port}"

    def set_faults(self, *faults: Fault) -> None:
        """Replace the faults in force; none without arguments. See `Fault`."""
        self._call("PUT", "faults", {"faults": [fault.to_json() for fault in faults]})

    def counters(self, workspace_id: str | None = None, window: float | None = None) -> Counters:
        """Count all calls, or one workspace's; peaks are over `window` seconds (None: the workspace's own)."""
        counted = self._call("POST", "counters", {"workspace_id": workspace_id, "window": window})
        refusals = {int(status): calls for status, calls in counted.pop("refusals").items()}
        return Counters(**counted, refusals=refusals)

    def arrivals(self, workspace_id: str | None = None, since: int = 0) -> list[Arrival]:
        """Return the log of arrivals in order of time, from the arrival numbered `since` on."""
        logged = self._call("POST", "arrivals", {"workspace_id": workspace_id, "since": since})["arrivals"]
        return [_arrival(entry) for entry in logged]

    def rotate_key(self, data_api_key: str, workspace_id: str = WORKSPACE_ID) -> None:
        """Replace a workspace's data API key at once: the old one is dead."""
        self._call("PUT", "key", {"workspace_id": workspace_id, "data_api_key": data_api_key})

    def configure(self, **patch: Any) -> SimulatorConfig:  # noqa: ANN401 - any part of the JSON form
        """Lay part of a `SimulatorConfig`'s JSON form over the present one: `configure(latency={"mean": 0.1})`."""
        return SimulatorConfig.from_json(self._call("PATCH", "config", patch))

    def set_quota(self, workspace_id: str = WORKSPACE_ID, **quota: Any) -> None:  # noqa: ANN401 - fields of QuotaConfig
        """Change fields of a workspace's `QuotaConfig`; what is already in its window keeps counting."""
        self.configure(workspaces={workspace_id: {"quota": quota}})

    def set_user(
        self,
        identifier: str,
        attributes: Mapping[str, Any] | None,
        *,
        identifier_type: str = "customer_id",
        workspace_id: str = WORKSPACE_ID,
        exact: bool = False,
    ) -> None:
        """Set a user's attributes exactly (Decimals keep every digit); None: there is no such user.

        Unless `exact`, `customer_id` and `id` are added where absent, so that the answer can be paired.
        """
        named = {"workspace_id": workspace_id, "identifier_type": identifier_type, "identifier": identifier}
        self._call("PUT", "user", {**named, "attributes": attributes, "exact": exact})

    def set_version(self, version: int, identifier: str | None = None, identifier_type: str = "customer_id") -> None:
        """Set how many times a synthetic user (None: every one) has changed: some attributes differ by version."""
        named = {"identifier_type": identifier_type, "identifier": identifier}
        self._call("PUT", "version", {**named, "version": version})

    def reset(self, **patch: Any) -> None:  # noqa: ANN401 - any part of the JSON form
        """Forget arrivals, quota in use, faults, keys and set users; back to the first configuration with `patch`."""
        self._call("POST", "reset", patch)

    def __enter__(self) -> Self:
        log = Path("/dev/null") if self.log_path is None else self.log_path
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "infra.local.simulator", "--port", str(self.port), "--config", "-"]
        with log.open("ab") as output:
            self.process = child.start(command, output=output)
        try:
            self._configure_process(self.process)
            self._await_health()
        except BaseException:  # whatever ends the wait: what was started must not stay
            self.__exit__()
            raise
        return self

    def _configure_process(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101 - a child's standard input is a pipe
        with contextlib.suppress(BrokenPipeError):  # it has ended: the wait for its health says so
            process.stdin.write(simplejson.dumps(self.config.to_json()).encode() + b"\n")
            process.stdin.flush()

    def __exit__(self, *_: object) -> None:
        self.pool.clear()
        if self.process is not None:
            process, self.process = self.process, None
            child.end(process)

    def _await_health(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            try:
                self._call("GET", "health")
            except urllib3.exceptions.HTTPError:
                self.sleep(0.02)
            else:
                return
        raise OSError(f"the simulator did not start on port {self.port}; see {self.log_path}")

    def _call(self, method: str, name: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = None if content is None else simplejson.dumps(content).encode()
        answer = self.pool.request(method, f"{self.endpoint_url}/_admin/{name}", body=body)
        result: dict[str, Any] = simplejson.loads(answer.data)
        if answer.status != HTTPStatus.OK:
            raise ValueError(result["error"])
        return result


def _arrival(entry: dict[str, Any]) -> Arrival:
    identifiers, fields = entry.pop("identifiers"), entry.pop("fields")
    return Arrival(
        **entry,
        identifiers=None if identifiers is None else tuple((kind, text) for kind, text in identifiers),
        fields=None if fields is None else tuple(fields),
    )
