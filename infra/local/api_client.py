"""A partner's client of the deployed HTTP API: gets a token by client credentials and requests profiles."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from infra.app_client import FORM, AppClient
from infra.local.stage.secrets_and_grants import PARTNER
from infra.local.stage.stage import Stage
from lookup.bounded_http import exchange
from lookup.model import Identifier

ANSWER_SECONDS = 35.0  # an HTTP API answers within 30
ANSWER_BYTES = 64 * 1024 * 1024


def partner_of(stage: Stage) -> AppClient:
    """Return the app client of the demonstration partner."""
    return AppClient.read(stage.clients.cognito, stage.outputs["UserPoolId"], stage.outputs[PARTNER])


class ApiClient:
    """Calls with one token. An answer is its HTTP status and its JSON; raises OSError when there is none."""

    def __init__(self, stage: Stage, partner: AppClient) -> None:
        self._api_url = stage.api_url
        self._pool = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)
        body = partner.token_body.decode()
        status, answer = self._call("POST", f"{stage.endpoint_url}/oauth2/token", body, FORM)
        if "access_token" not in answer:
            raise OSError(f"the token endpoint gave no token (HTTP {status}); see {stage.folder / 'aws.log'}")
        self._authorization = {"Authorization": f"Bearer {answer['access_token']}"}

    def profile(self, identifier: Identifier) -> tuple[int, dict[str, Any]]:
        """Request one profile."""
        return self._call("GET", self._api_url + profile_path(identifier), None, self._authorization)

    def lookup(self, identifiers: list[object]) -> tuple[int, dict[str, Any]]:
        """Request many."""
        headers = self._authorization | {"Content-Type": "application/json"}
        return self._call("POST", f"{self._api_url}/v1/lookups", json.dumps({"identifiers": identifiers}), headers)

    def upload_roster(self, file: IO[bytes]) -> str:
        """Upload a roster to the address that the API gives for it; return its id."""
        length = file.tell()
        headers = self._authorization | {"Content-Type": "application/json"}
        roster = self._ok(self._call("POST", f"{self._api_url}/v1/rosters", json.dumps({"bytes": length}), headers))
        file.seek(0)
        sent = roster["upload"]["headers"] | {"Content-Length": str(length)}
        put = self._pool.request("PUT", roster["upload"]["url"], body=file, headers=sent)
        if put.status != HTTPStatus.OK:
            raise OSError(f"the roster was not taken (HTTP {put.status})")
        return str(roster["roster_id"])

    def submit(self, order: dict[str, object]) -> dict[str, Any]:
        """Submit a lookup that runs behind the answer."""
        headers = self._authorization | {"Content-Type": "application/json"}
        return self._ok(self._call("POST", f"{self._api_url}/v1/lookups", json.dumps(order), headers))

    def get(self, path: str) -> dict[str, Any]:
        """Read what the API keeps under a path."""
        return self._ok(self._call("GET", self._api_url + path, None, self._authorization))

    def _ok(self, answered: tuple[int, dict[str, Any]]) -> dict[str, Any]:
        status, answer = answered
        if status >= HTTPStatus.BAD_REQUEST:
            raise OSError(f"the API answered {status}: {answer.get('detail', answer)}")
        return answer

    def _call(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        try:
            answer = exchange(
                self._pool,
                method,
                url,
                body=None if body is None else body.encode(),
                headers=headers,
                timeout=urllib3.Timeout(ANSWER_SECONDS),
                max_seconds=ANSWER_SECONDS,
                max_bytes=lambda _: ANSWER_BYTES,
            )
            return answer.status, json.loads(answer.body)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise OSError(f"{method} {urlsplit(url).netloc}: no usable answer ({type(error).__name__})") from None


def profile_path(identifier: Identifier) -> str:
    """Write the path and query of a profile: a query carries every identifier as it is, a path does not."""
    query = {"identifier_type": identifier.identifier_type.value, "identifier": identifier.identifier}
    return "/v1/profiles?" + urlencode(query, quote_via=quote)
