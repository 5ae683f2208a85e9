"""The deployed HTTP API as a partner sees it: a token of the first partner, and calls with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import urllib3

from infra.app_client import FORM, AppClient
from infra.rehearsal.platform import Platform
from infra.rehearsal.report import Failed
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.bounded_http import exchange

ANSWER_SECONDS = 35.0
ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object. Raises `Failed` when it is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            raise Failed(f"HTTP {self.status} without JSON") from None
        if not isinstance(read, dict):
            raise Failed(f"HTTP {self.status} without a JSON object")
        return read


@dataclass
class Api:
    """The API of a deployed stage. Every method raises `Failed` without a usable answer within `max_seconds`."""

    platform: Platform
    stage: Stage
    outputs: Mapping[str, str]
    token: str = field(default="", repr=False)
    max_seconds: float = ANSWER_SECONDS

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager()

    @property
    def url(self) -> str:
        """Return where the API answers: the embedded AWS has one host for everything."""
        if self.platform.endpoint_url is not None:
            return f"{self.platform.endpoint_url}/_aws/execute-api/{self.outputs['ApiId']}"
        return self.outputs["ApiUrl"].rstrip("/")

    @property
    def token_url(self) -> str:
        """Return the token endpoint."""
        local = self.platform.endpoint_url
        return self.outputs["TokenUrl"] if local is None else f"{local}/oauth2/token"

    def log_in(self) -> str:
        """Get a token for the stage's first partner by client credentials."""
        client_id = self.outputs[f"ClientId{pascal_case(next(iter(self.stage.partners)))}"]
        client = AppClient.read(self.platform.client("cognito-idp"), self.outputs["UserPoolId"], client_id)
        answer = self.send("POST", self.token_url, client.token_body, FORM)
        if answer.status != HTTPStatus.OK:
            raise Failed(f"the token endpoint answered HTTP {answer.status}")
        self.token = str(answer.json()["access_token"])
        return "client credentials give a token"

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Call the API with the token."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return self.send(method, self.url + path, None if body is None else json.dumps(body).encode(), headers)

    def ok(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the API and return its answer, which must be a success."""
        answer = self.call(method, path, body)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise Failed(f"{method} {path.partition('?')[0]} answered HTTP {answer.status}: {_title(answer)}")
        return answer.json()

    def send(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send any request; a response that is not complete in time counts as none."""
        try:
            got = exchange(
                self._pool,
                method,
                url,
                body=body,
                headers=dict(headers or {}),
                timeout=urllib3.Timeout(self.max_seconds),
                max_seconds=self.max_seconds,
                max_bytes=lambda _: ANSWER_BYTES,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Failed(f"{urlsplit(url).netloc} gave no answer ({type(error).__name__})") from None
        if not got.is_whole:
            raise Failed(f"{urlsplit(url).netloc} answered with more than {ANSWER_BYTES} bytes")
        return Answer(got.status, got.headers, got.body)


def _title(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body).get("title", ""))
    except (ValueError, AttributeError):
        return "no problem document"
