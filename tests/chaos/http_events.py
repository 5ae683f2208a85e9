"""A partner's requests as API Gateway's events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.chaos.entries import json_values
from tests.chaos.orders import Call, Listed
from tests.forking import PROJECT

PARTNER = "acme"
LOOKUPS = "/v1/lookups"
PROFILE = "/v1/profiles"
ERASURES = "/v1/erasures"
ENTITLED: dict[str, Any] = json.loads((PROJECT / "events/on_request/post_lookups.json").read_text())
CLIENT_ID = ENTITLED["requestContext"]["authorizer"]["jwt"]["claims"]["client_id"]


def event_of(request: Call | Listed) -> dict[str, Any]:
    """Write a request as the event that the function gets."""
    if isinstance(request, Call) and request.single:
        kind, text = request.entries[0]
        return _http("GET", PROFILE, None, query={"identifier_type": kind, "identifier": text})
    if isinstance(request, Call):
        return _http("POST", LOOKUPS, json.dumps({"identifiers": json_values(request.requested)}), key=request.key)
    if request.channel == "inline":
        return _http("POST", LOOKUPS, request.body.decode(), prefer="respond-async", key=request.key)
    return _http("POST", LOOKUPS, json.dumps({"roster_id": request.name}), key=request.key)


def export_of(lookup_id: str, written_as: str) -> dict[str, Any]:
    """Write the request for a lookup's files in one more format."""
    route = LOOKUPS + "/{lookup_id}/exports"
    body = json.dumps({"formats": [written_as]})
    return _http("POST", route, body, path=f"{LOOKUPS}/{lookup_id}/exports")


def erasure_event(identifiers: Sequence[object]) -> dict[str, Any]:
    """Write the request to erase people as the event that the function gets."""
    event = _http("POST", ERASURES, json.dumps({"identifiers": list(identifiers)}))
    jwt = event["requestContext"]["authorizer"]["jwt"]
    claims = jwt["claims"] | {"scope": "profiles/erase"}
    context = event["requestContext"] | {"authorizer": {"jwt": jwt | {"claims": claims}}}
    return event | {"requestContext": context}


def _http(
    method: str,
    route: str,
    body: str | None,
    *,
    path: str | None = None,
    prefer: str = "wait=10",
    query: Mapping[str, str] | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    route_key = f"{method} {route}"
    http = ENTITLED["requestContext"]["http"] | {"method": method, "path": path or route}
    context = ENTITLED["requestContext"] | {"http": http, "routeKey": route_key}
    headers = {"prefer": prefer} | ({} if key is None else {"idempotency-key": key})
    return ENTITLED | {
        "rawPath": path or route,
        "rawQueryString": urlencode(query or {}),
        "queryStringParameters": dict(query) if query else None,
        "routeKey": route_key,
        "headers": ENTITLED["headers"] | headers,
        "requestContext": context,
        "body": body,
    }


def roster_key(name: str) -> str:
    """Return the key of a list that is not sent inline."""
    return f"rosters/{PARTNER}/{name}"
