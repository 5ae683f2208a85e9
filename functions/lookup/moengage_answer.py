"""What MoEngage says, read from the wire: users, or a fault whose type says what helps.

Source: MoEngage, Data APIs, "Get User", responses and errors. The `type` strings vary for the same fault, so the HTTP
status decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from lookup import wire
from lookup.errors import KeyRejected, Refused, Rejected, Throttled, TooLarge, VendorFault, VendorTrouble
from lookup.model import Attributes, Json

EPOCH_MAGNITUDE = 1_000_000_000  # a rate-limit reset above this is a time, below it a number of seconds
LONGEST_WAIT = 24 * 3600  # seconds; a vendor that asks for more than a day is not believed

# Status → what it asks for. Of those not listed, 3xx and 4xx (a firewall, an endpoint not enabled) are Refused and
# 5xx VendorTrouble.
FAULTS: Mapping[int, type[VendorFault]] = {
    400: Rejected,
    401: KeyRejected,
    403: Refused,
    408: VendorTrouble,
    409: Refused,
    413: TooLarge,
    415: Rejected,
    429: Throttled,
}


# The reasons that outcomes, logs and metrics name.
REASONS: Mapping[type[VendorFault], str] = {
    KeyRejected: "key_rejected",
    Refused: "refused",
    Rejected: "rejected",
    Throttled: "throttled",
    TooLarge: "too_large",
    VendorTrouble: "vendor_trouble",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a successful call said: whole users in no promised order, and the identifiers it does not know."""

    users: tuple[Attributes, ...]
    not_found: frozenset[tuple[str, str]]


def fault_type(status: int) -> type[VendorFault]:
    """Say what a status other than 200 asks for."""
    if status in FAULTS:
        return FAULTS[status]
    return Refused if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR else VendorTrouble


def fault_of(status: int, error: Mapping[str, Json], headers: Mapping[str, str], *, now: float) -> VendorFault:
    """Make the fault of an answer; only the vendor's request id is repeated from its body."""
    kind = fault_type(status)
    shown = _request_id(error)
    if kind is Throttled:
        return Throttled(REASONS[kind], retry_at=_retry_at(headers, now), request_id=shown)
    return kind(REASONS[kind], status=status, request_id=shown)


def _request_id(error: Mapping[str, Json]) -> str | None:
    request_id = error.get("request_id")
    return request_id[:128] if isinstance(request_id, str) else None


def _retry_at(headers: Mapping[str, str], now: float) -> float | None:
    """Read until when to wait; `reset` is seconds in one of the vendor's documents and epoch seconds in another."""
    for name in ("retry-after", "x-ratelimit-reset"):
        try:
            value = float(headers.get(name, ""))
        except ValueError:
            continue
        until = value if value >= EPOCH_MAGNITUDE else now + value
        if value >= 0 and until <= now + LONGEST_WAIT:
            return max(now, until)
    return None


def read_answer(body: bytes) -> Answer:
    """Read a 200. Raises `VendorTrouble` on anything but a success of the documented form; absent lists are empty."""
    try:
        read = wire.loads(body)
    except ValueError:
        raise VendorTrouble("broken_body", status=200) from None
    data = read.get("data") if isinstance(read, dict) and read.get("status") == "success" else None
    if not isinstance(data, dict):
        raise VendorTrouble("not_a_success", status=200, request_id=_request_id(error_of(body)))
    return Answer(
        users=tuple(_attributes(user) for user in _list(data.get("users"))),
        not_found=frozenset(_named(entry) for entry in _list(data.get("users_not_found"))),
    )


def _list(value: Json) -> Sequence[Json]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise VendorTrouble("broken_body", status=200)
    return value


def _attributes(user: Json) -> Attributes:
    attributes = user.get("user_attributes") if isinstance(user, dict) else None
    if not isinstance(attributes, dict):
        raise VendorTrouble("broken_body", status=200)
    return attributes


def _named(entry: Json) -> tuple[str, str]:
    if not isinstance(entry, dict):
        raise VendorTrouble("broken_body", status=200)
    return str(entry.get("identifier_type")), str(entry.get("identifier"))


def error_of(body: bytes) -> Mapping[str, Json]:
    """Find the error object in any of the shapes that occur; nothing of it but the request id is ever logged."""
    try:
        read = wire.loads(body)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    inner = read.get("error")
    return inner if isinstance(inner, dict) else read
