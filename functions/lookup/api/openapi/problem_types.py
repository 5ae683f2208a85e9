"""Every problem that the HTTP surface tells (RFC 9457), listed once: the documentation is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

TYPE_PREFIX = "urn:moengage-lookup:problem:"
LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: the stable end of its `type`, its status, its title, and what it means for the caller."""

    name: str
    status: HTTPStatus
    title: str
    meaning: str

    @property
    def uri(self) -> str:
        """The whole `type`."""
        return TYPE_PREFIX + self.name

    @property
    def is_for_now(self) -> bool:
        """Whether the same request may be answered later: the answer has `Retry-After`."""
        return self.status in LATER or self.name == "idempotency-key-in-use"


class Problem(Enum):
    """All of them."""

    MALFORMED = ProblemType(
        "malformed", HTTPStatus.BAD_REQUEST, "Body is not JSON", "The body cannot be read as JSON in UTF-8."
    )
    KEY_MALFORMED = ProblemType(
        "idempotency-key-malformed",
        HTTPStatus.BAD_REQUEST,
        "Idempotency-Key makes no sense",
        "The header must hold 1 to 255 visible ASCII characters.",
    )
    UNKNOWN_CLIENT = ProblemType(
        "unknown-client",
        HTTPStatus.FORBIDDEN,
        "Client without grants",
        "The token is good, but this client has been granted nothing. Ask the operator.",
    )
    MISSING_SCOPE = ProblemType(
        "missing-scope",
        HTTPStatus.FORBIDDEN,
        "Scope is missing",
        "The token lacks the scope of this route, which `scope` names. Ask for a token with it.",
    )
    FORBIDDEN = ProblemType(
        "forbidden",
        HTTPStatus.FORBIDDEN,
        "Not granted",
        "The workspace, field or lane that `detail` names is not granted to this client.",
    )
    NO_SUCH_USER = ProblemType(
        "no-such-user", HTTPStatus.NOT_FOUND, "No such user", "MoEngage knows no user of this identifier."
    )
    NOT_FOUND = ProblemType(
        "not-found",
        HTTPStatus.NOT_FOUND,
        "Not found",
        "There is no such lookup, roster or schedule, or it is another partner's: the two are not told apart.",
    )
    NO_SUCH_ROUTE = ProblemType(
        "no-such-route", HTTPStatus.NOT_FOUND, "No such route", "The API has no such path and method."
    )
    EXPIRED = ProblemType(
        "expired",
        HTTPStatus.GONE,
        "Deleted by its age",
        "It was there and is deleted: parts 7 days after their lookup's end, with which its failures cannot be retried "
        "any more, and files after the stage's days.",
    )
    ERASED = ProblemType(
        "erased",
        HTTPStatus.GONE,
        "Erased person",
        "This person was erased: nothing is stored, and MoEngage is not asked, until an operator lifts that or it "
        "expires.",
    )
    CONFLICT = ProblemType(
        "conflict",
        HTTPStatus.CONFLICT,
        "Does not fit the state",
        "What is asked for does not fit the state of what there is: a lookup that has ended cannot be paused.",
    )
    ALREADY_THERE = ProblemType(
        "already-there",
        HTTPStatus.PRECONDITION_FAILED,
        "There is one already",
        "`If-None-Match: *` only creates, and there is a schedule of this name.",
    )
    KEY_IN_USE = ProblemType(
        "idempotency-key-in-use",
        HTTPStatus.CONFLICT,
        "Same request is being served",
        "A request with this Idempotency-Key has not been answered yet. Send it again after `Retry-After`.",
    )
    BODY_TOO_LARGE = ProblemType(
        "body-too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Body is too large",
        "A body has at most 256 KB. Upload a roster for longer lists.",
    )
    CONTENT_TYPE = ProblemType(
        "content-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Unknown content type",
        "A body must be called `application/json`.",
    )
    INVALID = ProblemType(
        "invalid",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Input breaks a rule",
        "`errors` names each field and the rule that it breaks.",
    )
    UNKNOWN_PARAMETER = ProblemType(
        "unknown-parameter",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Unknown query parameter",
        "The query holds names that this route does not know; `errors` names them.",
    )
    TOO_MANY_TO_WAIT = ProblemType(
        "too-many-to-wait",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Too many identifiers to wait for",
        "At most 100 identifiers are answered at once. Leave `Prefer: wait` out, or prefer `respond-async`.",
    )
    KEY_REUSED = ProblemType(
        "idempotency-key-reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Idempotency-Key stands for another request",
        "Within the last 24 hours this key came with another body or query. Use a new key for every new request.",
    )
    NOT_ANSWERABLE = ProblemType(
        "not-answerable",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "MoEngage cannot be asked for this user",
        "MoEngage, or what stands before it, answers others, and fails whenever it is asked for this identifier: "
        "`reason` says how. The same again does not help.",
    )
    DAILY_USERS = ProblemType(
        "daily-users",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Users of the day are used up",
        "The request would ask for more users than this partner has left today. The count starts anew at midnight "
        "UTC; profiles that are stored and fresh enough stay available.",
    )
    TOO_MANY = ProblemType(
        "too-many",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many at once",
        "The partner has as many unfinished lookups in this workspace, or as many schedules, open uploads or "
        "exports under way, or has had as many identifiers erased today, as it may: `owned` says which, `limit` how "
        "many. Wait until some end, or cancel or delete some.",
    )
    TOO_MANY_REQUESTS = ProblemType(
        "too-many-requests",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests of this client",
        "This client sends more requests a second than it is granted (`violated-policies`: `requests`), or, without "
        "the lane `bulk`, more of its requests wait for quota at once (`waiting`), or it tests its webhook more than "
        "once in 30 seconds (`tests`). Send again after `Retry-After`.",
    )
    INTERNAL = ProblemType(
        "internal",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Defect of the service",
        "The request could not be served. Tell the operator the X-Request-Id.",
    )
    UNAVAILABLE = ProblemType(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Service cannot answer now",
        "What the service stores could not be read or written in time. Send the same again after `Retry-After`, with "
        "the same Idempotency-Key if it had one.",
    )
    CLOSED = ProblemType(
        "closed",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "MoEngage is not being asked",
        "The gate is closed: MoEngage refused or throttled us, or is in trouble. With `stale_if_error` an older "
        "profile answers instead.",
    )
    BUSY = ProblemType(
        "busy",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Gate does not answer",
        "The state of the quota could not be read. A lookup never meets this: it becomes a 202.",
    )
    NOT_CONFIGURED = ProblemType(
        "not-configured",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Workspace is not ready",
        "The workspace's credentials or the grants are missing or make no sense. The operator must act.",
    )
    VENDOR_TROUBLE = ProblemType(
        "vendor-trouble",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "MoEngage did not answer",
        "MoEngage failed or did not answer in time; `vendor_request_id` is its own mark of the last call, if it gave "
        "one. With `stale_if_error` an older profile answers instead.",
    )
    FAILED = ProblemType(
        "failed",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "MoEngage gave no answer for this user",
        "MoEngage answered, but said nothing of this identifier; `reason` is `unaccounted`. Ask once more.",
    )
