"""Errors of the HTTP surface as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response

from lookup import exact_json
from lookup.api.openapi.problem_types import Problem
from lookup.errors import (
    OPERATOR_WAIT,
    AlreadyExists,
    AwsUnavailable,
    Conflict,
    DailyLimitExceeded,
    Expired,
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
from lookup.ledger.usage.daily_usage import DailyUsage, limit_headers

CONTENT_TYPE = "application/problem+json"
KEY_WAIT = 2  # seconds after which the same request may have been answered
AWS_WAIT = 5  # seconds after which what AWS was throttled over may be over
TROUBLE_WAIT = 5  # seconds after which a vendor that failed may answer
OWNED_WAIT = 60  # seconds after which one of too many lookups may have ended

CALLERS: Mapping[type[ServiceError], Problem] = {
    UnknownClient: Problem.UNKNOWN_CLIENT,
    Forbidden: Problem.FORBIDDEN,
    NotFound: Problem.NOT_FOUND,
    Expired: Problem.EXPIRED,
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
    """Return the problem of an unknown route."""
    return problem(Problem.NO_SUCH_ROUTE, "this API has no such route")


def retry_later(kind: Problem, detail: str, seconds: float, **members: object) -> Response[str]:
    """Return a problem with `Retry-After`."""
    return problem(kind, detail, headers={"Retry-After": str(max(1, math.ceil(seconds)))}, **members)


def unavailable() -> Response[str]:
    """Return the problem of an error of AWS, and nothing of what it was."""
    return retry_later(Problem.UNAVAILABLE, "what the service stores cannot be read or written now", AWS_WAIT)


def problem_for(error: ServiceError, *, now: float) -> Response[str]:
    """Return the problem of an error; no text of it comes from the vendor or holds a secret."""
    if isinstance(error, InvalidInput):
        return invalid((error.sender_field, error.sender_rule))
    for type_, kind in CALLERS.items():
        if isinstance(error, type_):
            return problem(kind, error.sender_message)
    if isinstance(error, IdempotencyKeyInUse):
        return retry_later(Problem.KEY_IN_USE, str(error), KEY_WAIT)
    if isinstance(error, DailyLimitExceeded | LimitExceeded | TooManyRequests):
        return _over_limit(error, now)
    if isinstance(error, UnknownWorkspace):
        return invalid(("workspace", "is not known"))
    return _unavailable(error, now)


def _unavailable(error: ServiceError, now: float) -> Response[str]:
    if isinstance(error, AwsUnavailable):
        return unavailable()
    if isinstance(error, GateClosed):
        return retry_later(Problem.CLOSED, f"MoEngage is not being asked ({error.reason})", error.retry_at - now)
    if isinstance(error, RetryLater):
        return retry_later(Problem.BUSY, f"the quota cannot be read ({error.reason})", error.retry_at - now)
    if isinstance(error, Misconfigured):
        return retry_later(Problem.NOT_CONFIGURED, "this workspace cannot be asked yet", OPERATOR_WAIT)
    request_id = error.request_id if isinstance(error, VendorError) else None
    return retry_later(Problem.VENDOR_TROUBLE, "MoEngage did not answer", TROUBLE_WAIT, vendor_request_id=request_id)


def _over_limit(error: DailyLimitExceeded | LimitExceeded | TooManyRequests, now: float) -> Response[str]:
    if isinstance(error, TooManyRequests):
        return _too_many(error, now)
    if isinstance(error, LimitExceeded):
        return retry_later(Problem.TOO_MANY, str(error), OWNED_WAIT, owned=error.kind, limit=error.limit)
    use = DailyUsage(error.limit - error.left, error.limit, error.retry_at)
    headers = limit_headers(use, now) | {"Retry-After": str(max(1, math.ceil(error.retry_at - now)))}
    return problem(Problem.DAILY_USERS, str(error), headers=headers, **{"violated-policies": ["daily"]})


def _too_many(error: TooManyRequests, now: float) -> Response[str]:
    seconds = max(1, math.ceil(error.retry_at - now))
    window = ";w=1" if error.policy == "requests" else ""
    headers = {
        "RateLimit-Policy": f'"{error.policy}";q={error.limit}{window}',
        "RateLimit": f'"{error.policy}";r=0;t={seconds}',
        "Retry-After": str(seconds),
    }
    return problem(Problem.TOO_MANY_REQUESTS, str(error), headers=headers, **{"violated-policies": [error.policy]})


def invalid(*errors: tuple[str, str], kind: Problem = Problem.INVALID) -> Response[str]:
    """Name every field that breaks a rule, as pairs of field and rule."""
    detail = "; ".join(f"{field}: {rule}" for field, rule in errors)
    return problem(kind, detail, errors=[{"field": field, "rule": rule} for field, rule in errors])
