"""MoEngage's Get User call on the wire: the two shapes of the request's body, credentials, timeouts.

Source: MoEngage, Data APIs, "Get User" (`POST /v1/customers/export`). Nothing is retried here: every attempt on the
wire needs a grant of its own.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlencode

import urllib3

from lookup import exact_json
from lookup.bounded_http import HttpResponse, exchange
from lookup.errors import VendorError, VendorUnavailable, VendorWrongShape
from lookup.model import Clock, Identifier, IdentifierType, Json
from lookup.moengage.credentials import Credentials, DataCenter
from lookup.moengage.matching import Matches, match_users
from lookup.moengage.responses import broken_body, error_for, error_of, is_own_error, read_response

PATH = "/v1/customers/export"
# The hosts of the data centres, enumerated because `api-0{dc}` is wrong for 101.
HOSTS: Mapping[DataCenter, str] = {
    DataCenter.DC_01: "https://api-01.moengage.com",
    DataCenter.DC_02: "https://api-02.moengage.com",
    DataCenter.DC_03: "https://api-03.moengage.com",
    DataCenter.DC_04: "https://api-04.moengage.com",
    DataCenter.DC_05: "https://api-05.moengage.com",
    DataCenter.DC_06: "https://api-06.moengage.com",
    DataCenter.DC_101: "https://api-101.moengage.com",
}
# Seconds for a connection and for a response; their sum bounds the whole call.
TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)
MAX_RESPONSE_BYTES = 16 * 1024 * 1024  # of a 200: twenty profiles of 800 KB; a function's memory holds it parsed, too
MAX_ERROR_BYTES = 64 * 1024  # of any other status
FORWARDED_FOR = re.compile(r"[0-9A-Za-z.:\[\]_, -]{1,500}")  # a chain of addresses; anything else is not forwarded


class BodyShape(Enum):
    """Where the body holds its two keys; the vendor's documentation disagrees with itself."""

    WRAPPED = "under data"
    ROOT = "at the root"


class MoEngage:
    """The client of one workspace; it remembers which body shape the vendor accepted."""

    def __init__(
        self,
        pool: urllib3.PoolManager,
        *,
        endpoint_url: str | None,
        moengage_id_name: str,
        clock: Clock,
        timeout: urllib3.Timeout = TIMEOUT,
    ) -> None:
        self._pool = pool
        self._endpoint_url = endpoint_url
        self._names = {IdentifierType.CUSTOMER_ID: "customer_id", IdentifierType.ID: moengage_id_name}
        self._clock = clock
        self._timeout = timeout
        self._max_seconds = _max_seconds(timeout)
        self._shape = BodyShape.WRAPPED
        self._shape_is_sure = False

    def export(
        self,
        identifiers: Sequence[Identifier],
        credentials: Credentials,
        *,
        fields: tuple[str, ...] | None = None,
        forwarded_for: str | None = None,
        max_seconds: float = math.inf,
    ) -> Matches:
        """Request 1 to 20 users with these attributes (None: all), for `max_seconds` at most.

        Raises a `VendorError`, whose type names the remedy.
        """
        body, headers, sent_at = self._body(identifiers, fields), _headers(forwarded_for, credentials), self._clock()
        response = self._send(body, headers, credentials, min(max_seconds, self._max_seconds))
        if response.status != HTTPStatus.OK:
            raise self._error(response)
        if not response.is_whole:
            raise broken_body()
        parsed = read_response(response.body)
        self._shape_is_sure = True
        return match_users(identifiers, parsed, fetched_at=sent_at)

    def _send(
        self, body: bytes, headers: Mapping[str, str], credentials: Credentials, max_seconds: float
    ) -> HttpResponse:
        host = self._endpoint_url or HOSTS[credentials.data_center]
        try:
            return exchange(
                self._pool,
                "POST",
                f"{host}{PATH}?{urlencode({'app_id': credentials.workspace_id})}",
                body=body,
                headers=headers,
                timeout=self._timeout,
                max_seconds=max_seconds,
                max_bytes=lambda status: MAX_RESPONSE_BYTES if status == HTTPStatus.OK else MAX_ERROR_BYTES,
            )
        except urllib3.exceptions.HTTPError as error:
            raise VendorUnavailable(type(error).__name__) from None  # the text may hold the URL

    def _body(self, identifiers: Sequence[Identifier], fields: tuple[str, ...] | None) -> bytes:
        content: dict[str, object] = {
            "identifiers": [
                {"identifier_type": self._names[one.identifier_type], "identifier": one.identifier}
                for one in identifiers
            ]
        }
        if fields is not None:  # an empty list is undocumented; matching needs both names
            content["user_fields_to_export"] = sorted({*fields, "customer_id", "id"})
        return exact_json.dumps({"data": content} if self._shape is BodyShape.WRAPPED else content)

    def _error(self, response: HttpResponse) -> VendorError:
        error = error_of(response.body)
        if response.status == HTTPStatus.BAD_REQUEST and not self._shape_is_sure:
            was, self._shape = self._shape, BodyShape.WRAPPED
            if was is BodyShape.WRAPPED and _names_missing_keys(error):
                self._shape = BodyShape.ROOT
                return VendorWrongShape("wrong_shape", status=response.status)
        is_own = is_own_error(response.body)
        return error_for(response.status, error, response.headers, now=self._clock(), is_own=is_own)


def _max_seconds(timeout: urllib3.Timeout) -> float:
    """Return the bound of a whole call (seconds)."""
    if isinstance(timeout.total, int | float):
        return timeout.total
    steps = (timeout.connect_timeout, timeout.read_timeout)
    return sum(one for one in steps if isinstance(one, int | float)) or math.inf


def _names_missing_keys(error: Mapping[str, Json]) -> bool:
    """Return whether the vendor names `data` or `identifiers` as missing: it expects the other shape."""
    text = " ".join(str(error.get(key) or "") for key in ("attribute", "message", "description", "title"))
    return "identifiers" in text or "data" in text.lower()


def _headers(forwarded_for: str | None, credentials: Credentials) -> dict[str, str]:
    pair = f"{credentials.workspace_id}:{credentials.data_api_key}".encode()
    headers = {"Authorization": f"Basic {b64encode(pair).decode()}", "Content-Type": "application/json"}
    if forwarded_for and FORWARDED_FOR.fullmatch(forwarded_for):
        headers["X-Forwarded-For"] = forwarded_for
    return headers
