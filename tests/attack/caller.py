"""One client of the deployed HTTP API, with its token; every answer is kept with the time that it took."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from infra.app_client import FORM, SCOPES, AppClient
from infra.local.stage.stage import Stage
from infra.stage_settings.workspaces import pascal_case

ANSWER_SECONDS = 60.0
TOKEN_SECONDS = 3000.0  # of the hour for which a token is good
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, or `NO_ANSWER`; `seconds` from the first byte sent to the last one read."""

    status: int
    seconds: float
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty one when it is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


@dataclass
class Caller:
    """A partner. `answers` holds status and seconds of all its requests."""

    name: str
    stage: Stage
    scopes: str = SCOPES
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS, maxsize=16)
        self._lock = threading.Lock()
        self._token, self._token_from = "", float("-inf")

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Call the API; a body of bytes is sent as it is, another as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self._bearer()}", "Content-Type": "application/json", **(headers or {})}
        return self._keep(self._send(method, self.stage.api_url + path, sent, named))

    def upload(self, body: bytes) -> str | None:
        """Upload a roster; return its id, or None when it was refused."""
        made = self.call("POST", "/v1/rosters", {"bytes": len(body)}).json()
        if "upload" not in made:
            return None
        put = self._send("PUT", made["upload"]["url"], body, made["upload"].get("headers", {}))
        return str(made["roster_id"]) if put.status == 200 else None

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        started = time.monotonic()
        try:
            got = self._pool.request(method, url, body=body, headers=dict(headers))
        except urllib3.exceptions.HTTPError:
            return Answer(NO_ANSWER, time.monotonic() - started)
        return Answer(got.status, time.monotonic() - started, got.data)

    def _keep(self, answer: Answer) -> Answer:
        with self._lock:
            self.answers.append(answer)
        return answer

    def _bearer(self) -> str:
        with self._lock:
            if time.monotonic() - self._token_from > TOKEN_SECONDS:
                self._token, self._token_from = self._new_token(), time.monotonic()
            return self._token

    def _new_token(self) -> str:
        outputs, cognito = self.stage.outputs, self.stage.clients.cognito
        client_id = outputs[f"ClientId{pascal_case(self.name)}"]
        client = AppClient.read(cognito, outputs["UserPoolId"], client_id, self.scopes)
        answer = self._send("POST", f"{self.stage.endpoint_url}/oauth2/token", client.token_body, FORM)
        return str(answer.json()["access_token"])
