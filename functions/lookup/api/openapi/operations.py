"""What a route says of itself: its answers, their headers and examples, and the problems it may tell, as data.

Schemas are named only (`models` holds them), so that a cold start does not pay for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse, OpenAPIResponseHeader

from lookup.api.openapi.problem_types import Problem

SCHEMAS = "#/components/schemas/"
EVERYWHERE = (
    Problem.UNKNOWN_CLIENT,
    Problem.MISSING_SCOPE,
    Problem.INVALID,
    Problem.UNKNOWN_PARAMETER,
    Problem.TOO_MANY_REQUESTS,
    Problem.INTERNAL,
    Problem.NOT_CONFIGURED,
    Problem.UNAVAILABLE,
)
WITH_A_BODY = (Problem.MALFORMED, Problem.BODY_TOO_LARGE, Problem.CONTENT_TYPE)
ASKING = (Problem.FORBIDDEN, Problem.DAILY_USERS, Problem.TOO_MANY, Problem.CLOSED, Problem.VENDOR_TROUBLE)
HEADERS: Mapping[str, str] = {
    "X-Request-Id": "The request's mark, in every answer and log line.",
    "Age": "Seconds since the profile was asked of MoEngage (RFC 9111).",
    "ETag": "A weak mark of the content, for `If-None-Match` (RFC 9110).",
    "Cache-Control": "Of a profile: private, as fresh as `max_age` allows (RFC 9111, RFC 5861). Else `no-store`.",
    "Vary": "Of a profile: `Authorization`. Whoever asks with another token sees what that one may.",
    "Location": "Where the lookup is to be seen, or the file is.",
    "Link": 'The next page, as `rel="next"` (RFC 8288); absent on the last one.',
    "Preference-Applied": "What of `Prefer` was honoured (RFC 7240).",
    "Retry-After": "Seconds after which to ask again, of a lookup that runs 60 at most (RFC 9110).",
    "RateLimit": "What is left of the partner's users today and the seconds until midnight UTC, where it was counted; "
    "of `too-many-requests` the policy that is violated.",
    "RateLimit-Policy": "The partner's users per day, if it has a limit (IETF draft on RateLimit fields); of "
    "`too-many-requests` the policy that is violated.",
    "Idempotent-Replayed": "`true` when an earlier answer to this Idempotency-Key is given again.",
}
IN_EVERY_ANSWER = ("X-Request-Id", "Cache-Control", "RateLimit-Policy")
OF_PROBLEMS: Mapping[Problem, Sequence[str]] = {
    Problem.NO_SUCH_USER: ("Age", "Vary", "Preference-Applied", "RateLimit"),
    Problem.DAILY_USERS: ("RateLimit",),
    Problem.TOO_MANY_REQUESTS: ("RateLimit",),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer when all is well: what it says, the name of its schema, an example, its own headers."""

    description: str
    schema: str | None = None
    example: object = None
    headers: Sequence[str] = ()


UNCHANGED = "Nothing has changed since the answer that you have."
NOT_CHANGED = Reply(UNCHANGED, headers=("ETag",))
NO_NEW_PAGE = Reply(UNCHANGED, headers=("ETag", "Link"))


class Operation(TypedDict):
    """What Powertools' routes take."""

    operation_id: str
    summary: str
    description: str
    tags: list[str]
    responses: dict[int, OpenAPIResponse]


def operation(
    operation_id: str,
    summary: str,
    description: str,
    *,
    tag: str,
    replies: Mapping[int, Reply],
    tells: Sequence[Problem] = (),
) -> Operation:
    """Describe a route; `tells` are the problems beside those that every route may tell."""
    responses = {status: _reply(reply) for status, reply in replies.items()}
    problems = [*EVERYWHERE, *tells]
    for status in sorted({problem.value.status.value for problem in problems}):
        responses[status] = _problems([problem for problem in problems if problem.value.status == status])
    return Operation(
        operation_id=operation_id, summary=summary, description=description, tags=[tag], responses=responses
    )


def _reply(reply: Reply) -> OpenAPIResponse:
    response: OpenAPIResponse = {"description": reply.description, "headers": _headers(reply.headers)}
    if reply.schema is not None:
        examples = {} if reply.example is None else {"example": {"value": reply.example}}
        schema = {"$ref": SCHEMAS + reply.schema}
        response["content"] = {"application/json": {"schema": schema, "examples": examples}}
    return response


def _problems(problems: Sequence[Problem]) -> OpenAPIResponse:
    described = " ".join(f"`{one.value.name}`: {one.value.meaning}" for one in problems)
    examples = {one.value.name: {"summary": one.value.title, "value": example_of(one)} for one in problems}
    own = [name for one in problems for name in OF_PROBLEMS.get(one, ())]
    late = ["Retry-After"] if any(one.value.is_for_now for one in problems) else []
    return {
        "description": described,
        "headers": _headers([*late, *own]),
        "content": {"application/problem+json": {"schema": {"$ref": SCHEMAS + "Problem"}, "examples": examples}},
    }


def example_of(problem: Problem) -> dict[str, object]:
    """Write a problem as an answer would, but for what only an answer knows."""
    type_ = problem.value
    return {"type": type_.uri, "title": type_.title, "status": type_.status.value, "detail": type_.meaning}


def _headers(names: Sequence[str]) -> dict[str, OpenAPIResponseHeader]:
    return {name: {"description": HEADERS[name], "schema": _header(name)} for name in (*IN_EVERY_ANSWER, *names)}


def _header(name: str) -> dict[str, object]:
    return {"type": "string", "format": "uri-reference"} if name == "Location" else {"type": "string"}
