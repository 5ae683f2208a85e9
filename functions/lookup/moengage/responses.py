"""Parse MoEngage's responses: users, or an error whose type names the remedy.

Source: MoEngage, Data APIs, "Get User", responses and errors. The `type` strings vary for the same error, so the HTTP
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
from lookup.moengage.lenient_json import is_unreadable, loads, spellings_of
from lookup.retry_after import retry_at

# Status → error. Of those not listed, 3xx and 4xx (a firewall, an endpoint not enabled) are `VendorAccessDenied` and
# 5xx `VendorUnavailable`.
ERROR_TYPES: Mapping[int, type[VendorError]] = {
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
    """A successful response: users in no defined order, and the identifiers that MoEngage does not know.

    `unreadable` are users whose profiles hold an invalid JSON value, or no attributes; some still have their names.
    """

    users: tuple[Attributes, ...]
    not_found: frozenset[tuple[str, str]]
    unreadable: tuple[Attributes, ...] = ()


def error_type(status: int) -> type[VendorError]:
    """Return the type of error of a status other than 200."""
    if status in ERROR_TYPES:
        return ERROR_TYPES[status]
    return (
        VendorAccessDenied
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        else VendorUnavailable
    )


def error_for(
    status: int, error: Mapping[str, Json], headers: Mapping[str, str], *, now: float, is_own: bool = True
) -> VendorError:
    """Return the error of a response; of its body it repeats only the vendor's request id.

    With `is_own` the body is MoEngage's. Another refusal, or one that MoEngage does not document, may be a firewall's
    because of what this request holds.
    """
    kind = error_type(status)
    request_id = _request_id(error)
    wait_until = retry_at(headers, now)
    if kind is VendorThrottled:
        return VendorThrottled(REASONS[kind], retry_at=wait_until, request_id=request_id)
    if kind is VendorUnavailable:
        return VendorUnavailable(REASONS[kind], status=status, request_id=request_id, retry_at=wait_until)
    may_be_content = issubclass(kind, VendorAccessDenied | VendorUnauthorized | VendorBadRequest) and not (
        is_own and status in ERROR_TYPES
    )
    return kind(REASONS[kind], status=status, request_id=request_id, may_be_content=may_be_content)


def _request_id(error: Mapping[str, Json]) -> str | None:
    request_id = error.get("request_id")
    return request_id[:128] if isinstance(request_id, str) else None


def read_response(body: bytes) -> ExportResponse:
    """Parse a 200; absent lists are empty. An unreadable profile does not affect the others.

    Raises `VendorUnavailable` on anything but a success of the documented form; one profile may be the cause.
    """
    try:
        read = loads(body)
    except ValueError:
        raise broken_body() from None
    data = read.get("data") if isinstance(read, dict) and read.get("status") == "success" else None
    if not isinstance(data, dict):
        request_id = _request_id(error_of(body))
        raise VendorUnavailable("not_a_success", status=200, request_id=request_id, may_be_content=True)
    profiles = [_attributes(user) for user in _list(data.get("users"))]
    return ExportResponse(
        users=tuple(one for one in profiles if one and not is_unreadable(one)),
        not_found=frozenset(name for entry in _list(data.get("users_not_found")) for name in _named(entry)),
        unreadable=tuple(one for one in profiles if not one or is_unreadable(one)),
    )


def broken_body() -> VendorUnavailable:
    """Return the error of a 200 that cannot be parsed."""
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
    return [(str(entry.get("identifier_type")), spelling) for spelling in spellings_of(entry.get("identifier"))]


def error_of(body: bytes) -> Mapping[str, Json]:
    """Return the error object in any of its shapes; only its request id is ever logged."""
    try:
        read = exact_json.loads(body)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    inner = read.get("error")
    return inner if isinstance(inner, dict) else read


def is_own_error(body: bytes) -> bool:
    """Return whether an error's body has one of MoEngage's forms, rather than a proxy's.

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
