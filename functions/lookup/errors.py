"""Every error of this service: of callers, of the configuration, of MoEngage and of AWS.

    ServiceError
    ├── InvalidInput              bad input: names the field and the rule
    │   └── NotExported           the workspace does not export a field
    ├── Forbidden                 the caller has no grant for it
    │   └── UnknownClient         the caller has no grants at all
    ├── DailyLimitExceeded        the partner's users of the day are used up
    ├── LimitExceeded             the partner has as many of a kind as it may
    ├── TooManyRequests           too many a second, or too many waiting at once
    ├── NotFound                  not there, or another partner's
    ├── Expired                   it was there, and is deleted by its age
    ├── Conflict                  the request does not fit the present state
    │   └── AlreadyExists         the name is taken
    ├── IdempotencyKeyInUse       a request with this Idempotency-Key is being served
    ├── IdempotencyKeyReused      this Idempotency-Key came with another request
    ├── Misconfigured             bad setting or secret: names it
    │   └── UnknownWorkspace
    ├── VendorError               MoEngage responded with something other than users
    │   ├── VendorWrongShape      400 naming `data` or `identifiers`: try the other body
    │   ├── VendorPayloadTooLarge 413: ask in smaller payloads
    │   ├── VendorUnauthorized    401: read the secret again, once; then close the gate
    │   ├── VendorThrottled       429: wait until `retry_at`
    │   ├── VendorUnavailable     5xx, timeouts, broken bodies
    │   ├── VendorAccessDenied    403, 409, any other 4xx: an operator must act
    │   └── VendorBadRequest      400, 415: our request is wrong, a retry is useless
    ├── AwsUnavailable            AWS throttled or failed through all retries
    └── RetryLater                the gate has no capacity before `retry_at`
        └── GateClosed            the gate is closed until `retry_at`, with a reason

No error text holds a secret, an attribute, an identifier or a word of the request or message: texts are logged as they
are. Text that repeats the sender's own words is in `sender_message`, for the sender alone.
"""

from __future__ import annotations


class ServiceError(Exception):
    """The root of this service's own errors."""

    @property
    def sender_message(self) -> str:
        """The text for the sender alone: it may repeat the sender's own words."""
        return str(self)


class InvalidInput(ServiceError):
    """Input breaks the `rule` of a `field`; `sender_field` and `sender_rule` repeat its words, for the sender alone."""

    def __init__(
        self, field: str, rule: str, *, sender_field: str | None = None, sender_rule: str | None = None
    ) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.sender_field = sender_field or field
        self.sender_rule = sender_rule or rule

    @property
    def sender_message(self) -> str:
        """The text with the sender's own word."""
        return f"{self.sender_field}: {self.sender_rule}"


class NotExported(InvalidInput):
    """A workspace does not export a requested field."""

    def __init__(self, *, sender_rule: str | None = None) -> None:
        super().__init__("fields", "holds a field that is not exported from this workspace", sender_rule=sender_rule)


class Forbidden(ServiceError):
    """The caller has no grant for the request. `sender_message` names what is not granted, for the caller alone."""

    def __init__(self, rule: str, *, sender_message: str | None = None) -> None:
        super().__init__(rule)
        self._told = sender_message or rule

    @property
    def sender_message(self) -> str:
        """The text with the caller's own word."""
        return self._told


class UnknownClient(Forbidden):
    """The caller has no grants at all."""


class DailyLimitExceeded(ServiceError):
    """`users` were requested, `left` of the partner's daily `limit` are left until `retry_at` (epoch seconds)."""

    def __init__(self, users: int, *, left: int, limit: int, retry_at: float) -> None:
        left_today = f"{left} of {limit} are left until midnight UTC"
        sender_message = left_today if users <= limit else f"{limit} are granted a day: ask for fewer at a time"
        super().__init__(f"{users} users are asked for and {sender_message}")
        self.users = users
        self.left = left
        self.limit = limit
        self.retry_at = retry_at


class LimitExceeded(ServiceError):
    """A partner has `limit` of a `kind`: unfinished `lookups`, `schedules`, open `uploads`, `exports` under way."""

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"{limit} {kind} are the most that a partner may have at once")
        self.kind = kind
        self.limit = limit


class TooManyRequests(ServiceError):
    """A client sends more requests a second, or has more waiting at once, than its `limit`; `policy` says which."""

    def __init__(self, policy: str, limit: int, *, retry_at: float) -> None:
        super().__init__(f"{limit} {policy} {'a second' if policy == 'requests' else 'at once'} are granted")
        self.policy = policy
        self.limit = limit
        self.retry_at = retry_at


class NotFound(ServiceError):
    """It does not exist, or belongs to another partner: the caller cannot tell which."""


class Expired(ServiceError):
    """It was there, and has been deleted as its age demands."""


class Conflict(ServiceError):
    """The request does not fit the present state."""


class AlreadyExists(Conflict):
    """An item to be created exists."""


class IdempotencyKeyInUse(ServiceError):
    """A request with this Idempotency-Key has not been answered yet."""


class IdempotencyKeyReused(ServiceError):
    """This Idempotency-Key came with another request before."""


OPERATOR_WAIT = 300  # seconds before it is tried again: a setting or a secret must be corrected first


class Misconfigured(ServiceError):
    """A setting or secret is missing or malformed; `setting` names it."""

    def __init__(self, setting: str, rule: str) -> None:
        super().__init__(f"{setting}: {rule}")
        self.setting = setting
        self.rule = rule


def require(ok: bool, setting: str, rule: str) -> None:  # noqa: FBT001 - reads as a sentence: require(condition, …)
    """Raise `Misconfigured` unless a setting keeps its rule."""
    if not ok:
        raise Misconfigured(setting, rule)


class UnknownWorkspace(Misconfigured):
    """A workspace is not in the settings."""

    def __init__(self, name: str) -> None:
        super().__init__("workspace", "is not configured")
        self.name = name

    @property
    def sender_message(self) -> str:
        """The text with the name, for the sender alone."""
        return f"workspace: {self.name!r} is not configured"


class VendorError(ServiceError):
    """MoEngage responded with something other than users. `status` is the HTTP code, None when there was no response.

    `retry_at` (epoch seconds) is until when the response says to wait, if it does. With `may_be_content` the cause
    may be what this request holds, and others may succeed: the account and MoEngage may be in order.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_at: float | None = None,
        may_be_content: bool = False,
    ) -> None:
        super().__init__(f"{reason} (HTTP {status}, request {request_id})")
        self.reason = reason
        self.status = status
        self.request_id = request_id
        self.retry_at = retry_at
        self.may_be_content = may_be_content


class VendorWrongShape(VendorError):
    """MoEngage expects the body's other shape."""


class VendorPayloadTooLarge(VendorError):
    """The payload is over the vendor's 128 KB."""


class VendorUnauthorized(VendorError):
    """The credentials are not valid (any more)."""


class VendorThrottled(VendorError):
    """The workspace's quota is used up, by us or another system; `retry_at` when the vendor named a time."""

    def __init__(
        self, reason: str, *, retry_at: float | None, status: int | None = 429, request_id: str | None = None
    ) -> None:
        super().__init__(reason, status=status, request_id=request_id, retry_at=retry_at)


class VendorUnavailable(VendorError):
    """The vendor failed or did not respond: whether it counted the call is not known."""


class VendorAccessDenied(VendorError):
    """The vendor refuses every call until an operator has acted."""


class VendorBadRequest(VendorError):
    """The vendor cannot read our request: a defect of this service."""


class AwsUnavailable(ServiceError):
    """AWS throttled, conflicted or completed only a part through all retries."""


class RetryLater(ServiceError):
    """The gate has no capacity before `retry_at` (epoch seconds)."""

    def __init__(self, retry_at: float, reason: str = "quota") -> None:
        super().__init__(f"{reason}: not before {retry_at:.3f}")
        self.retry_at = retry_at
        self.reason = reason


class GateClosed(RetryLater):
    """The gate is closed until `retry_at`; `reason` says why."""
