"""MoEngage's Get User call on the wire: the request's two shapes, the answer's shapes, and what each status means.

Source: MoEngage, Data APIs, "Get User" (`POST /v1/customers/export`). No retries happen here: every attempt on the
wire needs a grant of its own, so asking again is for those who hold the gate.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlencode

import urllib3

from lookup import exact_json
from lookup.errors import VendorError, VendorUnavailable, VendorWrongShape
from lookup.model import Clock, Identifier, IdentifierType, Json
from lookup.moengage.bounded_http import HttpResponse, exchange
from lookup.moengage.credentials import Credentials, DataCenter
from lookup.moengage.responses import ExportResponse, broken_body, error_for, error_of, is_own_error, read_response

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
# Seconds for a connection and for an answer; the sum of both is for the whole call.
TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)
ANSWER_BYTES = 16 * 1024 * 1024  # of a 200: twenty profiles of 800 KB; a function's memory holds it read, too
ERROR_BYTES = 64 * 1024  # of anything else: what is worth reading of an error
ADDRESSES = re.compile(r"[0-9A-Za-z.:\[\]_, -]{1,500}")  # what a chain of addresses is written in; the rest stays here


class BodyShape(Enum):
    """Where the body holds its two keys; the vendor's pages disagree."""

    WRAPPED = "under data"
    ROOT = "at the root"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One call: 1 to 20 identifiers, and the attributes wanted of each user (None: all)."""

    identifiers: Sequence[Identifier]
    fields: tuple[str, ...] | None = None
    forwarded_for: str | None = None


class MoEngage:
    """The client of one workspace; remembers which body shape the vendor took."""

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
        self._bound = _bound(timeout)
        self._shape = BodyShape.WRAPPED
        self._shape_is_sure = False

    def export(self, question: ExportRequest, credentials: Credentials, *, within: float = math.inf) -> ExportResponse:
        """Ask once, for `within` seconds at most. Raises a `VendorError`, whose type says what helps."""
        exchanged = self._send(question, credentials, min(within, self._bound))
        if exchanged.status != HTTPStatus.OK:
            raise self._fault(exchanged)
        if not exchanged.is_whole:
            raise broken_body()
        answer = read_response(exchanged.body)
        self._shape_is_sure = True
        return answer

    def _send(self, question: ExportRequest, credentials: Credentials, within: float) -> HttpResponse:
        host = self._endpoint_url or HOSTS[credentials.data_center]
        try:
            return exchange(
                self._pool,
                "POST",
                f"{host}{PATH}?{urlencode({'app_id': credentials.workspace_id})}",
                body=self._body(question),
                headers=_headers(question, credentials),
                timeout=self._timeout,
                within=within,
                most_bytes=lambda status: ANSWER_BYTES if status == HTTPStatus.OK else ERROR_BYTES,
            )
        except urllib3.exceptions.HTTPError as error:
            raise VendorUnavailable(type(error).__name__) from None  # its text may hold the URL: the type says enough

    def _body(self, question: ExportRequest) -> bytes:
        asked: dict[str, object] = {
            "identifiers": [
                {"identifier_type": self._names[one.identifier_type], "identifier": one.identifier}
                for one in question.identifiers
            ]
        }
        if question.fields is not None:  # an empty list is undocumented; the pairing needs both names
            asked["user_fields_to_export"] = sorted({*question.fields, "customer_id", "id"})
        return exact_json.dumps({"data": asked} if self._shape is BodyShape.WRAPPED else asked)

    def _fault(self, exchanged: HttpResponse) -> VendorError:
        error = error_of(exchanged.body)
        if exchanged.status == HTTPStatus.BAD_REQUEST and not self._shape_is_sure:
            was, self._shape = self._shape, BodyShape.WRAPPED
            if was is BodyShape.WRAPPED and _misses_the_keys(error):
                self._shape = BodyShape.ROOT
                return VendorWrongShape("wrong_shape", status=exchanged.status)
        is_own = is_own_error(exchanged.body)
        return error_for(exchanged.status, error, exchanged.headers, now=self._clock(), is_own=is_own)


def _bound(timeout: urllib3.Timeout) -> float:
    """Return the seconds that a whole call may take."""
    if isinstance(timeout.total, int | float):
        return timeout.total
    steps = (timeout.connect_timeout, timeout.read_timeout)
    return sum(one for one in steps if isinstance(one, int | float)) or math.inf


def _misses_the_keys(error: Mapping[str, Json]) -> bool:
    """Tell the shapes apart: the vendor names `data` or `identifiers` as what it does not find."""
    said = " ".join(str(error.get(key) or "") for key in ("attribute", "message", "description", "title"))
    return "identifiers" in said or "data" in said.lower()


def _headers(question: ExportRequest, credentials: Credentials) -> dict[str, str]:
    pair = f"{credentials.workspace_id}:{credentials.data_api_key}".encode()
    headers = {"Authorization": f"Basic {b64encode(pair).decode()}", "Content-Type": "application/json"}
    if question.forwarded_for and ADDRESSES.fullmatch(question.forwarded_for):
        headers["X-Forwarded-For"] = question.forwarded_for
    return headers
