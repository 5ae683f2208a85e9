"""The bodies that go back: users in MoEngage's shape, errors in each of the shapes that occur."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import simplejson
from simplejson import RawJSON

from infra.local.simulator.faults import Drip, Fault
from infra.local.simulator.request import Export, Refusal
from infra.local.simulator.users.attributes import Attributes, share_of

NO_FAULT = Fault()
HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
KINDS = {
    400: ("InvalidParams", "the request is not valid"),
    401: ("Authentication required", "the workspace id or the data API key is wrong"),
    403: ("Account Suspended", "the account is suspended"),
    409: ("Authentication Mismatch", "app_id does not match the authenticated workspace"),
    413: ("PayloadTooLarge", "the request body is over 128 KB"),
    415: ("UnsupportedMediaType", "Content-Type must be application/json"),
    429: ("LimitBreached", "the rate limit is used up"),
}
OTHER_KIND = ("InternalServerError", "something went wrong")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends. `promised` is the Content-Length; `drop` ends the connection without any answer.

    `interim`, `drip` and what belongs to it are as a `Fault` has them.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    promised: int | None = None
    interim: tuple[int, ...] = ()
    drip: Drip | None = None
    drip_bytes: int = 8
    drip_pause: float = 0.6
    found: int = 0
    not_found: int = 0


def refusal_of(status: int, fault: Fault = NO_FAULT) -> Refusal:
    """Return the usual error of an HTTP code, in the words that a fault may bring."""
    kind, message = KINDS.get(status, OTHER_KIND)
    return Refusal(status, fault.error_type or kind, fault.error_message or message, fault.error_attribute)


def error(refusal: Refusal, number: int, fault: Fault = NO_FAULT) -> Reply:
    """Write a refusal, in the shape that a fault names."""
    content: dict[str, Any] = {
        "message": refusal.message,
        "type": refusal.kind,
        "request_id": f"request-{number:08}",
    }
    if refusal.attribute is not None:
        content["attribute"] = refusal.attribute
    if fault.body == "problem":
        body = _json({"title": refusal.kind, "description": refusal.message})
    else:
        body = _json({"status": "fail", "error": content})
    return _spoil(Reply(refusal.status, body), fault)


NO_NUMBERS = {"not_a_number": "NaN", "absurd_number": "1e999999"}
UNASKED: Attributes = {"customer_id": "unasked", "id": "f" * 24, "u_fn": "Nobody"}


def users(export: Export, known: Mapping[tuple[str, str], Attributes | None], fault: Fault = NO_FAULT) -> Reply:
    """Write the users that were found and the identifiers that were not, each once, shuffled."""
    chosen = fault.chosen(export.identifiers)
    found = {pair: user for pair, user in known.items() if user is not None}
    missing = [pair for pair, user in known.items() if user is None]
    if "unaccounted" in fault.distortions:
        found = {pair: user for pair, user in found.items() if pair not in chosen}
        missing = [pair for pair in missing if pair not in chosen]
    if "both_lists" in fault.distortions:
        missing += [pair for pair in found if pair in chosen]
    fields = None if "all_fields" in fault.distortions else export.fields
    spoilt = [found[pair] for pair in found if pair in chosen]
    listed = [
        {"user_attributes": _profile(_only(user, fields), fault if user in spoilt else NO_FAULT)}
        for user in _once(found.values())
    ]
    if "unasked" in fault.distortions:
        listed.append({"user_attributes": _only(UNASKED, fields)})
    random.Random(share_of(*(text for _, text in export.identifiers))).shuffle(listed)  # noqa: S311 - repeatable
    data = {
        "users_not_found": [{"identifier_type": kind, "identifier": text} for kind, text in missing],
        "users": listed,
    }
    body = _json({"status": "success", "type": "export_users", "data": _without(data, fault)})
    return _spoil(Reply(HTTPStatus.OK, body, found=len(found), not_found=len(missing)), fault)


def _once(found: Iterable[Attributes]) -> list[Attributes]:
    """Return the users without those that another identifier of the same call has already named."""
    seen: dict[object, Attributes] = {}
    for number, user in enumerate(found):
        named = "customer_id" in user and "id" in user
        seen.setdefault((str(user["customer_id"]), str(user["id"])) if named else number, user)
    return list(seen.values())


def _only(user: Attributes, fields: tuple[str, ...] | None) -> Attributes:
    return user if fields is None else {name: value for name, value in user.items() if name in fields}


def _profile(user: Attributes, fault: Fault) -> Attributes | RawJSON | None:
    """Write one profile, spoilt as a fault says."""
    if "float_id" in fault.distortions and str(user.get("customer_id", "")).isdigit():
        return dict(user) | {"customer_id": RawJSON(f"{user['customer_id']}.0")}
    if "no_attributes" in fault.distortions:
        return None
    value = next((text for kind, text in NO_NUMBERS.items() if kind in fault.distortions), None)
    if value is not None:
        return dict(user) | {"score": RawJSON(value)}
    if "cut_profile" in fault.distortions:
        return RawJSON(_json(user).decode()[: len(_json(user)) // 3])
    return user


def _without(data: dict[str, Any], fault: Fault) -> dict[str, Any]:
    for name in ("users", "users_not_found"):
        if f"{name}_absent" in fault.distortions:
            data.pop(name)
        elif f"{name}_null" in fault.distortions:
            data[name] = None
    return data


def _spoil(reply: Reply, fault: Fault) -> Reply:
    body, headers, promised = reply.body, {"Content-Type": "application/json"}, None
    if fault.body == "html":
        body = HTML.format(title=f"{reply.status} {_reason(reply.status)}").encode()
        headers = {"Content-Type": "text/html"}
    elif fault.body == "empty":
        body = b""
    elif fault.body == "truncated":
        body = body[: len(body) // 2]
    elif fault.body == "cut_off":
        promised, body = len(body), body[: len(body) // 2]
    return replace(
        reply,
        body=body,
        headers={**headers, **fault.headers},
        delay=fault.delay,
        drop=fault.drop,
        promised=promised,
        interim=fault.interim,
        drip=fault.drip,
        drip_bytes=fault.drip_bytes,
        drip_pause=fault.drip_pause,
    )


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def _json(content: object) -> bytes:
    return simplejson.dumps(content, separators=(",", ":")).encode()
