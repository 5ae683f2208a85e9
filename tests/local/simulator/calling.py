"""Asking the simulator over HTTP as any client may, well or badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import simplejson
import urllib3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID
from tests.waiting import GIVE_UP

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What came back; numbers with a fraction are Decimals."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, read as JSON."""
        content: dict[str, Any] = simplejson.loads(self.body, use_decimal=True)
        return content

    @property
    def error(self) -> dict[str, Any]:
        """The error of an answer whose status is fail."""
        assert self.json["status"] == "fail"
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def users(self) -> list[dict[str, Any]]:
        """The attributes of each user of an answer whose status is success."""
        assert self.json["status"] == "success"
        return [user["user_attributes"] for user in self.json["data"]["users"]]

    @property
    def not_found(self) -> list[tuple[str, str]]:
        """Type and text of each identifier that was not found."""
        return [(entry["identifier_type"], entry["identifier"]) for entry in self.json["data"]["users_not_found"]]


def named(identifiers: Sequence[str], identifier_type: str = "customer_id") -> list[dict[str, str]]:
    return [{"identifier_type": identifier_type, "identifier": identifier} for identifier in identifiers]


@dataclass(frozen=True)
class Asker:
    """A client with connections of its own."""

    endpoint_url: str
    pool: urllib3.PoolManager

    def __call__(self, *identifiers: str, identifier_type: str = "customer_id", **options: Any) -> Answer:
        """Request customer ids; `fields`, `key`, `user`, `app_id` and `headers` as given."""
        content: dict[str, Any] = {"identifiers": named(identifiers, identifier_type)}
        if "fields" in options:
            content["user_fields_to_export"] = options.pop("fields")
        return self.post({"data": content}, **options)

    def post(
        self,
        content: object,
        *,
        key: str = DATA_API_KEY,
        user: str = WORKSPACE_ID,
        app_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a body, or what it is the JSON of."""
        body = content if isinstance(content, bytes) else simplejson.dumps(content).encode()
        sent = {"Content-Type": JSON, **urllib3.make_headers(basic_auth=f"{user}:{key}"), **(headers or {})}
        url = f"{self.endpoint_url}/v1/customers/export?app_id={user if app_id is None else app_id}"
        response = self.pool.request("POST", url, body=body, headers=sent)
        return Answer(response.status, response.headers, response.data)


def asker(endpoint_url: str) -> Asker:
    return Asker(endpoint_url, urllib3.PoolManager(retries=False, timeout=GIVE_UP))
