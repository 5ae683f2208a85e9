"""A client as a partner's generator makes it of the committed document: nothing of it is adapted."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.local.ministack.process import PROJECT

DOCUMENT = PROJECT / "docs" / "openapi.json"
PACKAGE = "moengage_lookup_client"
SECONDS = 120.0


def generate(folder: Path) -> None:
    """Write the package into a folder. Fails when the generator leaves anything of the document out."""
    (folder / "config.yaml").write_text("post_hooks: []\n")  # formatting is for readers
    options = ["--path", DOCUMENT, "--output-path", folder / PACKAGE, "--meta", "none", "--fail-on-warning"]
    done = subprocess.run(  # noqa: S603 - the document is ours
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            *map(str, options),
            "--config",
            folder / "config.yaml",
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Generated:
    """The generated package, importable, and its client of an address with a token."""

    api_url: str
    token: str

    def call(self, operation: str, *path: str, **arguments: Any) -> Any:
        """Call an operation, as `profiles.get_profile`; return the answer: its `status_code` and what was `parsed`."""
        with self._client() as client:
            return self.module(f"api.{operation}").sync_detailed(*path, client=client, **arguments)

    def parsed(self, operation: str, status: int, body: dict[str, str]) -> Any:
        """Return what a call makes of an answer that is not the stage's."""
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
        client = self._client().set_httpx_client(httpx.Client(base_url=self.api_url, transport=transport))
        with client:
            return self.module(f"api.{operation}").sync_detailed(client=client).parsed

    def _client(self) -> Any:
        return self.module("client").AuthenticatedClient(base_url=self.api_url, token=self.token)

    def model(self, name: str) -> Any:
        """Return a model by the name of its schema."""
        return getattr(self.module("models"), name)

    @staticmethod
    def module(name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{name}")
