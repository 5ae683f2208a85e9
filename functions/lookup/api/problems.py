"""Errors of the HTTP surface as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.api.openapi.problem_types import Problem
from lookup.errors import (
    AlreadyExists,
    AwsUnavailable,
    Conflict,
    DailyLimitExceeded,
    Forbidden,
    GateClosed,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidInput,
    LimitExceeded,
    Misconfigured,
    NotFound,
    RetryLater,
    ServiceError,
    TooManyRequests,
    UnknownClient,
    UnknownWorkspace,
    VendorError,
)
from lookup.ledger.daily_usage import DailyUsage, limit_headers

CONTENT_TYPE = "application/problem+json"
KEY_WAIT = 2  # seconds after which the same request may have been answered
AWS_WAIT = 5  # seconds after which what AWS was throttled over may be over
TROUBLE_WAIT = 5  # seconds after which asking a vendor in trouble again makes sense
OWNED_WAIT = 60  # seconds after which one of too many lookups may have ended
OPERATOR_WAIT = 300  # seconds; a setting or secret must be mended first

CALLERS: Mapping[type[ServiceError], Problem] = {
    UnknownClient: Problem.UNKNOWN_CLIENT,
    Forbidden: Problem.FORBIDDEN,
    NotFound: Problem.NOT_FOUND,
    AlreadyExists: Problem.ALREADY_THERE,
    Conflict: Problem.CONFLICT,
    IdempotencyKeyReused: Problem.KEY_REUSED,
}


def problem(
    kind: Problem, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response[str]:
    """Build the answer; `members` are the type's own, such as the field that breaks a rule."""
    type_ = kind.value
    body = {"type": type_.uri, "title": type_.title, "status": type_.status.value, "detail": detail, **members}
    return Response(type_.status.value, CONTENT_TYPE, exact_json.dumps_well_formed(body).decode(), dict(headers or {}))


def no_such_route() -> Response[str]:
    """Say that the API has no such route."""
    return problem(Problem.NO_SUCH_ROUTE, "this API has no such route")


def retry_later(kind: Problem, detail: str, seconds: float, **members: object) -> Response[str]:
    """Ask the caller to come back."""
    return problem(kind, detail, headers={"Retry-After": str(max(1, math.ceil(seconds)))}, **members)


def unavailable() -> Response[str]:
    """Say that AWS's trouble keeps us from answering, and nothing of what it was."""
    return retry_later(Problem.UNAVAILABLE, "what the service stores cannot be read or written now", AWS_WAIT)


def problem_for(fault: ServiceError, *, now: float) -> Response[str]:
    """Tell a fault of the road; no text of it comes from the vendor or holds a secret."""
    if isinstance(fault, InvalidInput):
        return invalid((fault.sender_field, fault.sender_rule))
    for type_, kind in CALLERS.items():
        if isinstance(fault, type_):
            return problem(kind, fault.sender_message)
    if isinstance(fault, IdempotencyKeyInUse):
        return retry_later(Problem.KEY_IN_USE, str(fault), KEY_WAIT)
    if isinstance(fault, DailyLimitExceeded | LimitExceeded | TooManyRequests):
        return _over_limit(fault, now)
    if isinstance(fault, UnknownWorkspace):
        return invalid(("workspace", "is not known"))
    return _unavailable(fault, now)


def _unavailable(fault: ServiceError, now: float) -> Response[str]:
    if isinstance(fault, AwsUnavailable):
        return unavailable()
    if isinstance(fault, GateClosed):
        return retry_later(Problem.CLOSED, f"MoEngage is not being asked ({fault.reason})", fault.retry_at - now)
    if isinstance(fault, RetryLater):
        return retry_later(Problem.BUSY, f"the quota cannot be read ({fault.reason})", fault.retry_at - now)
    if isinstance(fault, Misconfigured):
        return retry_later(Problem.NOT_CONFIGURED, "this workspace cannot be asked yet", OPERATOR_WAIT)
    request_id = fault.request_id if isinstance(fault, VendorError) else None
    return retry_later(Problem.VENDOR_TROUBLE, "MoEngage did not answer", TROUBLE_WAIT, vendor_request_id=request_id)


def _over_limit(fault: DailyLimitExceeded | LimitExceeded | TooManyRequests, now: float) -> Response[str]:
    if isinstance(fault, TooManyRequests):
        return _too_many(fault, now)
    if isinstance(fault, LimitExceeded):
        return retry_later(Problem.TOO_MANY, str(fault), OWNED_WAIT, owned=fault.kind, limit=fault.limit)
    use = DailyUsage(fault.limit - fault.left, fault.limit, fault.retry_at)
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
