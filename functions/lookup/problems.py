"""Errors of the HTTP surface as `application/problem+json` (RFC 9457), each with a stable type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from lookup import wire
from lookup.errors import (
    Closed,
    Conflict,
    Forbidden,
    InvalidInput,
    LookupFault,
    Misconfigured,
    Missing,
    NotNow,
    UnknownWorkspace,
)

TYPE_PREFIX = "urn:moengage-lookup:problem:"
TROUBLE_WAIT = 5  # seconds after which asking a vendor in trouble again makes sense
OPERATOR_WAIT = 300  # seconds; a setting or secret must be mended first

CALLERS: Mapping[type[LookupFault], tuple[HTTPStatus, str]] = {
    Forbidden: (HTTPStatus.FORBIDDEN, "forbidden"),
    Missing: (HTTPStatus.NOT_FOUND, "not-found"),
    Conflict: (HTTPStatus.CONFLICT, "conflict"),
}


def problem(
    status: HTTPStatus, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response[str]:
    """Build the answer; `members` are the type's own, such as the field that breaks a rule."""
    body = {"type": TYPE_PREFIX + kind, "title": status.phrase, "status": status.value, "detail": detail, **members}
    return Response(
        status_code=status.value,
        content_type="application/problem+json",
        body=wire.dumps(body).decode(),
        headers=dict(headers or {}),
    )


def unavailable(kind: str, detail: str, seconds: float) -> Response[str]:
    """Ask the caller to come back."""
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers=headers)


def of_fault(fault: LookupFault, *, now: float) -> Response[str]:
    """Tell a fault of the road; no text of it comes from the vendor or holds a secret."""
    if isinstance(fault, InvalidInput):
        return invalid((fault.field, fault.rule))
    for type_, (status, name) in CALLERS.items():
        if isinstance(fault, type_):
            return problem(status, name, str(fault))
    if isinstance(fault, UnknownWorkspace):
        return invalid(("workspace", "is not known"))
    if isinstance(fault, NotNow):
        kind, detail = ("closed", "is not being asked") if isinstance(fault, Closed) else ("busy", "has no quota left")
        return unavailable(kind, f"MoEngage {detail} ({fault.reason})", fault.retry_at - now)
    if isinstance(fault, Misconfigured):
        return unavailable("not-configured", "this workspace cannot be asked yet", OPERATOR_WAIT)
    return unavailable("vendor-trouble", "MoEngage did not answer", TROUBLE_WAIT)


def invalid(*errors: tuple[str, str]) -> Response[str]:
    """Name every field that breaks a rule, as pairs of field and rule."""
    detail = "; ".join(f"{field}: {rule}" for field, rule in errors)
    listed = [{"field": field, "rule": rule} for field, rule in errors]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=listed)
