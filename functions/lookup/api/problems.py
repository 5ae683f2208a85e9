"""Errors of the HTTP surface as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.api.openapi.problem_types import Problem
from lookup.errors import (
    AlreadyThere,
    AwsTrouble,
    Closed,
    Conflict,
    Forbidden,
    InvalidInput,
    KeyInUse,
    KeyReused,
    LookupFault,
    Misconfigured,
    Missing,
    NotNow,
    OverDaily,
    TooMany,
    TooManyRequests,
    UnknownClient,
    UnknownWorkspace,
    VendorFault,
)
from lookup.ledger.daily_usage import Use, limit_headers

CONTENT_TYPE = "application/problem+json"
KEY_WAIT = 2  # seconds after which the same request may have been answered
AWS_WAIT = 5  # seconds after which what AWS was throttled over may be over
TROUBLE_WAIT = 5  # seconds after which asking a vendor in trouble again makes sense
OWNED_WAIT = 60  # seconds after which one of too many lookups may have ended
OPERATOR_WAIT = 300  # seconds; a setting or secret must be mended first

CALLERS: Mapping[type[LookupFault], Problem] = {
    UnknownClient: Problem.UNKNOWN_CLIENT,
    Forbidden: Problem.FORBIDDEN,
    Missing: Problem.NOT_FOUND,
    AlreadyThere: Problem.ALREADY_THERE,
    Conflict: Problem.CONFLICT,
    KeyReused: Problem.KEY_REUSED,
}


def problem(
    kind: Problem, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response[str]:
    """Build the answer; `members` are the type's own, such as the field that breaks a rule."""
    type_ = kind.value
    body = {"type": type_.uri, "title": type_.title, "status": type_.status.value, "detail": detail, **members}
    return Response(type_.status.value, CONTENT_TYPE, exact_json.readable(body).decode(), dict(headers or {}))


def no_such_route() -> Response[str]:
    """Say that the API has no such route."""
    return problem(Problem.NO_SUCH_ROUTE, "this API has no such route")


def later(kind: Problem, detail: str, seconds: float, **members: object) -> Response[str]:
    """Ask the caller to come back."""
    return problem(kind, detail, headers={"Retry-After": str(max(1, math.ceil(seconds)))}, **members)


def unavailable() -> Response[str]:
    """Say that AWS's trouble keeps us from answering, and nothing of what it was."""
    return later(Problem.UNAVAILABLE, "what the service stores cannot be read or written now", AWS_WAIT)


def of_fault(fault: LookupFault, *, now: float) -> Response[str]:
    """Tell a fault of the road; no text of it comes from the vendor or holds a secret."""
    if isinstance(fault, InvalidInput):
        return invalid((fault.told_field, fault.told_rule))
    for type_, kind in CALLERS.items():
        if isinstance(fault, type_):
            return problem(kind, fault.told)
    if isinstance(fault, KeyInUse):
        return later(Problem.KEY_IN_USE, str(fault), KEY_WAIT)
    if isinstance(fault, OverDaily | TooMany | TooManyRequests):
        return _over_limit(fault, now)
    if isinstance(fault, UnknownWorkspace):
        return invalid(("workspace", "is not known"))
    return _unavailable(fault, now)


def _unavailable(fault: LookupFault, now: float) -> Response[str]:
    if isinstance(fault, AwsTrouble):
        return unavailable()
    if isinstance(fault, Closed):
        return later(Problem.CLOSED, f"MoEngage is not being asked ({fault.reason})", fault.retry_at - now)
    if isinstance(fault, NotNow):
        return later(Problem.BUSY, f"the quota cannot be read ({fault.reason})", fault.retry_at - now)
    if isinstance(fault, Misconfigured):
        return later(Problem.NOT_CONFIGURED, "this workspace cannot be asked yet", OPERATOR_WAIT)
    request_id = fault.request_id if isinstance(fault, VendorFault) else None
    return later(Problem.VENDOR_TROUBLE, "MoEngage did not answer", TROUBLE_WAIT, vendor_request_id=request_id)


def _over_limit(fault: OverDaily | TooMany | TooManyRequests, now: float) -> Response[str]:
    if isinstance(fault, TooManyRequests):
        return _too_many(fault, now)
    if isinstance(fault, TooMany):
        return later(Problem.TOO_MANY, str(fault), OWNED_WAIT, owned=fault.kind, limit=fault.limit)
    use = Use(fault.limit - fault.left, fault.limit, fault.retry_at)
    headers = limit_headers(use, now) | {"Retry-After": str(max(1, math.ceil(fault.retry_at - now)))}
    return problem(Problem.DAILY_USERS, str(fault), headers=headers, **{"violated-policies": ["daily"]})


def _too_many(fault: TooManyRequests, now: float) -> Response[str]:
    seconds = max(1, math.ceil(fault.retry_at - now))
    window = ";w=1" if fault.policy == "requests" else ""
    headers = {
        "RateLimit-Policy": f'"{fault.policy}";q={fault.limit}{window}',
        "RateLimit": f'"{fault.policy}";r=0;t={seconds}',
        "Retry-After": str(seconds),
    }
    return problem(Problem.TOO_MANY_REQUESTS, str(fault), headers=headers, **{"violated-policies": [fault.policy]})


def invalid(*errors: tuple[str, str], kind: Problem = Problem.INVALID) -> Response[str]:
    """Name every field that breaks a rule, as pairs of field and rule."""
    detail = "; ".join(f"{field}: {rule}" for field, rule in errors)
    return problem(kind, detail, errors=[{"field": field, "rule": rule} for field, rule in errors])
