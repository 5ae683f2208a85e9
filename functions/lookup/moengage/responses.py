"""What MoEngage says, read from the wire: users, or a fault whose type says what helps.

Source: MoEngage, Data APIs, "Get User", responses and errors. The `type` strings vary for the same fault, so the HTTP
status decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from lookup import exact_json
from lookup.errors import (
    VendorAccessDenied,
    VendorBadRequest,
    VendorError,
    VendorPayloadTooLarge,
    VendorThrottled,
    VendorUnauthorized,
    VendorUnavailable,
)
from lookup.model import Attributes, Json
from lookup.moengage.lenient_json import is_spoilt, loads, spelled
from lookup.moengage.retry_after import retry_at

# Status → what it asks for. Of those not listed, 3xx and 4xx (a firewall, an endpoint not enabled) are Refused and
# 5xx VendorTrouble.
FAULTS: Mapping[int, type[VendorError]] = {
    400: VendorBadRequest,
    401: VendorUnauthorized,
    403: VendorAccessDenied,
    408: VendorUnavailable,
    409: VendorAccessDenied,
    413: VendorPayloadTooLarge,
    415: VendorBadRequest,
    429: VendorThrottled,
}


# The reasons that outcomes, logs and metrics name.
REASONS: Mapping[type[VendorError], str] = {
    VendorUnauthorized: "key_rejected",
    VendorAccessDenied: "refused",
    VendorBadRequest: "rejected",
    VendorThrottled: "throttled",
    VendorPayloadTooLarge: "too_large",
    VendorUnavailable: "vendor_trouble",
}


@dataclass(frozen=True, slots=True)
class ExportResponse:
    """What a successful call said: whole users in no promised order, and the identifiers it does not know.

    `unreadable` are users whose profiles hold what is no JSON value, or no attributes at all; what they are called can
    be read of some.
    """

    users: tuple[Attributes, ...]
    not_found: frozenset[tuple[str, str]]
    unreadable: tuple[Attributes, ...] = ()


def error_type(status: int) -> type[VendorError]:
    """Say what a status other than 200 asks for."""
    if status in FAULTS:
        return FAULTS[status]
    return (
        VendorAccessDenied
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        else VendorUnavailable
    )


def error_for(
    status: int, error: Mapping[str, Json], headers: Mapping[str, str], *, now: float, is_own: bool = True
) -> VendorError:
    """Make the fault of an answer; only the vendor's request id is repeated from its body.

    `is_own` says that the body is MoEngage's: a refusal that is not, or that MoEngage does not document, may be a
    firewall's in between that does not like what this one request holds.
    """
    kind = error_type(status)
    shown = _request_id(error)
    until = retry_at(headers, now)
    if kind is VendorThrottled:
        return VendorThrottled(REASONS[kind], retry_at=until, request_id=shown)
    if kind is VendorUnavailable:
        return VendorUnavailable(REASONS[kind], status=status, request_id=shown, retry_at=until)
    is_doubtful = issubclass(kind, VendorAccessDenied | VendorUnauthorized | VendorBadRequest) and not (
        is_own and status in FAULTS
    )
    return kind(REASONS[kind], status=status, request_id=shown, may_be_content=is_doubtful)


def _request_id(error: Mapping[str, Json]) -> str | None:
    request_id = error.get("request_id")
    return request_id[:128] if isinstance(request_id, str) else None


def read_response(body: bytes) -> ExportResponse:
    """Read a 200; absent lists are empty. A profile that cannot be read spoils no other one.

    Raises `VendorUnavailable` on anything but a success of the documented form, which one profile may be the cause of.
    """
    try:
        read = loads(body)
    except ValueError:
        raise broken_body() from None
    data = read.get("data") if isinstance(read, dict) and read.get("status") == "success" else None
    if not isinstance(data, dict):
        shown = _request_id(error_of(body))
        raise VendorUnavailable("not_a_success", status=200, request_id=shown, may_be_content=True)
    profiles = [_attributes(user) for user in _list(data.get("users"))]
    return ExportResponse(
        users=tuple(one for one in profiles if one and not is_spoilt(one)),
        not_found=frozenset(name for entry in _list(data.get("users_not_found")) for name in _named(entry)),
        unreadable=tuple(one for one in profiles if not one or is_spoilt(one)),
    )


def broken_body() -> VendorUnavailable:
    """Make the fault of a 200 that cannot be read."""
    return VendorUnavailable("broken_body", status=200, may_be_content=True)


def _list(value: Json) -> Sequence[Json]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise broken_body()
    return value


def _attributes(user: Json) -> Attributes:
    attributes = user.get("user_attributes") if isinstance(user, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _named(entry: Json) -> list[tuple[str, str]]:
    if not isinstance(entry, dict):
        return []
    return [(str(entry.get("identifier_type")), spelling) for spelling in spelled(entry.get("identifier"))]


def error_of(body: bytes) -> Mapping[str, Json]:
    """Find the error object in any of the shapes that occur; nothing of it but the request id is ever logged."""
    try:
        read = exact_json.loads(body)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    inner = read.get("error")
    return inner if isinstance(inner, dict) else read


def is_own_error(body: bytes) -> bool:
    """Return whether an error's body has one of MoEngage's forms, rather than those of whoever stands in between.

    MoEngage's are `{"status": "fail", "error": {"message", "type", …}}` and `{"title", "description"}`.
    """
    try:
        read = exact_json.loads(body)
    except ValueError:
        return False
    if not isinstance(read, dict):
        return False
    inner = read.get("error")
    return ("message" in inner or "type" in inner) if isinstance(inner, dict) else {"title", "description"} <= set(read)
