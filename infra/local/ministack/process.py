"""MiniStack as a child process: the embedded AWS that tests, benchmarks and the local stage share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import boto3
import urllib3

from infra.local.processes import child
from infra.local.processes.child import PROJECT
from lookup.model import Sleep

__all__ = ["ACCOUNT", "PROJECT", "REGION", "EmbeddedAws"]
REGION: Final = "eu-central-1"
ACCOUNT = "000000000000"
START_SECONDS = 300.0  # it ends the wait itself when it cannot start
# What the deployed functions may see of the machine: nothing that could pass for a setting of theirs.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass
class EmbeddedAws:
    """One MiniStack server on 127.0.0.1, with the deployed functions that it runs.

    Use as a context manager: what it started, it stops, by process group.
    """

    port: int
    log_path: Path
    settings: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    sleep: Sleep = time.sleep

    @property
    def endpoint_url(self) -> str:
        """Where every service answers."""
        return f"http://127.0.0.1:{self.port}"

    def session(self, account: str = ACCOUNT) -> boto3.Session:
        """Return a session of one account: a 12-digit access key is an account of its own."""
        return boto3.Session(aws_access_key_id=account, aws_secret_access_key="test", region_name=REGION)

    def __enter__(self) -> Self:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            command = [sys.executable, "-m", "infra.local.ministack.server"]
            self.process = child.start(command, output=log, environment=self._environment())
        try:
            self._await_health()
        except BaseException:  # whatever ends the wait: what was started must not stay
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            process, self.process = self.process, None
            child.end(process)

    def _environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            "DOCKER_HOST": "unix:///docker-is-not-used",
            **(self.settings or {}),
        }

    def _await_health(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        pool = urllib3.PoolManager(retries=False, timeout=1.0)
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if pool.request("GET", f"{self.endpoint_url}/_ministack/health").status == 200:  # noqa: PLR2004 - HTTP
                    return
            except urllib3.exceptions.HTTPError:
                self.sleep(0.05)
        raise OSError(f"the embedded AWS did not start on port {self.port}; see {self.log_path}")
