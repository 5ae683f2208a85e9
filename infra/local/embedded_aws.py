"""MiniStack as a child process: the embedded AWS that tests, benchmarks and the local stage share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import boto3
import urllib3

REGION = "eu-central-1"
START_SECONDS = 30.0


@dataclass
class EmbeddedAws:
    """One MiniStack server on 127.0.0.1. Use as a context manager: what it started, it stops, by process id."""

    port: int
    log_path: Path
    settings: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """Where every service answers."""
        return f"http://127.0.0.1:{self.port}"

    def session(self, account: str = "000000000000") -> boto3.Session:
        """Give a session of one account: a 12-digit access key is an account of its own."""
        return boto3.Session(aws_access_key_id=account, aws_secret_access_key="local", region_name=REGION)

    def __enter__(self) -> Self:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            **(self.settings or {}),
        }
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._await_health()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

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
                time.sleep(0.05)
        self.__exit__()
        raise OSError(f"the embedded AWS did not start on port {self.port}; see {self.log_path}")
