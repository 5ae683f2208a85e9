"""Every error of this service, from its caller's to MoEngage's and AWS's.

    ServiceError
    ├── InvalidInput              the caller's: names the field and the rule
    │   └── NotExported           the workspace does not export a field
    ├── Forbidden                 the caller has no grant for it
    │   └── UnknownClient         the caller has no grants at all
    ├── DailyLimitExceeded        the partner's users of the day are used up
    ├── LimitExceeded             the partner owns as much of a kind as it may
    ├── TooManyRequests           the client sends too many a second, or waits too often
    ├── NotFound                  there is no such thing, or it is not the caller's
    ├── Conflict                  what is asked for does not fit what there is
    │   └── AlreadyExists         what was only to be made anew is there
    ├── IdempotencyKeyInUse       a request with this Idempotency-Key is being served
    ├── IdempotencyKeyReused      this Idempotency-Key stands for another request
    ├── Misconfigured             ours or the operator's: names the setting
    │   └── UnknownWorkspace
    ├── VendorError               MoEngage answered with something other than users
    │   ├── VendorWrongShape      400 naming `data` or `identifiers`: try the other body
    │   ├── VendorPayloadTooLarge 413: ask in smaller payloads
    │   ├── VendorUnauthorized    401: read the secret again, once; then close the gate
    │   ├── VendorThrottled       429: nobody's fault, wait until `retry_at`
    │   ├── VendorUnavailable     5xx, timeouts, broken bodies
    │   ├── VendorAccessDenied    403, 409, any other 4xx: a person must act
    │   └── VendorBadRequest      400, 415: our request is wrong, the same again is useless
    ├── AwsUnavailable            AWS was throttled or did not answer, whatever we tried
    └── RetryLater                the gate has no room before `retry_at`
        └── GateClosed            the gate is closed until `retry_at`, with a reason

No error text holds a secret, an attribute, an identifier or a word of whoever sent the request or message: texts are
logged as they are. What only the sender may read of its own words is in `told`.
"""

from __future__ import annotations


class ServiceError(Exception):
    """The root of every error of this service's own."""

    @property
    def told(self) -> str:
        """The text for whoever caused the fault, which may repeat a word of theirs; it goes to nobody else."""
        return str(self)


class InvalidInput(ServiceError):
    """Something handed to us breaks a rule; `field` names where, `rule` says which.

    `told_field` and `told_rule` are for the sender alone, with its own words.
    """

    def __init__(self, field: str, rule: str, *, told_field: str | None = None, told_rule: str | None = None) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
        self.told_field = told_field or field
        self.told_rule = told_rule or rule

    @property
    def told(self) -> str:
        """The text with the sender's own word."""
        return f"{self.told_field}: {self.told_rule}"


class NotExported(InvalidInput):
    """A workspace does not export a field that is asked for."""

    def __init__(self, *, told_rule: str | None = None) -> None:
        super().__init__("fields", "holds a field that is not exported from this workspace", told_rule=told_rule)


class Forbidden(ServiceError):
    """The caller has no grant for what it asks; the text names no other partner's things.

    `told` is the text for the caller alone, with the word that is not granted.
    """

    def __init__(self, rule: str, *, told: str | None = None) -> None:
        super().__init__(rule)
        self._told = told or rule

    @property
    def told(self) -> str:
        """The text with the caller's own word."""
        return self._told


class UnknownClient(Forbidden):
    """The caller has no grants at all."""


class DailyLimitExceeded(ServiceError):
    """`users` are asked for, `left` of the partner's daily `limit` are left until `retry_at` (epoch seconds)."""

    def __init__(self, users: int, *, left: int, limit: int, retry_at: float) -> None:
        left_today = f"{left} of {limit} are left until midnight UTC"
        told = left_today if users <= limit else f"{limit} are granted a day: ask for fewer at a time"
        super().__init__(f"{users} users are asked for and {told}")
        self.users = users
        self.left = left
        self.limit = limit
        self.retry_at = retry_at


class LimitExceeded(ServiceError):
    """A partner has `limit` of a `kind`: `lookups` that have not ended, `schedules`, or open `uploads`."""

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"{limit} {kind} are the most that a partner may have at once")
        self.kind = kind
        self.limit = limit


class TooManyRequests(ServiceError):
    """A client sends more requests a second, or more that wait at once, than its `limit`; `policy` says which."""

    def __init__(self, policy: str, limit: int, *, retry_at: float) -> None:
        super().__init__(f"{limit} {policy} {'a second' if policy == 'requests' else 'at once'} are granted")
        self.policy = policy
        self.limit = limit
        self.retry_at = retry_at


class NotFound(ServiceError):
    """There is no such thing, or it is another partner's: the two are not told apart."""


class Conflict(ServiceError):
    """What is asked for does not fit the state of what there is."""


class AlreadyExists(Conflict):
    """What was to be made only if it is not there yet is there."""


class IdempotencyKeyInUse(ServiceError):
    """A request with this Idempotency-Key has not been answered yet."""


class IdempotencyKeyReused(ServiceError):
    """This Idempotency-Key came with another request before."""


class Misconfigured(ServiceError):
    """A setting or secret makes no sense; `setting` names it."""

    def __init__(self, setting: str, rule: str) -> None:
        super().__init__(f"{setting}: {rule}")
        self.setting = setting
        self.rule = rule


class UnknownWorkspace(Misconfigured):
    """A workspace was named that the settings do not know."""

    def __init__(self, name: str) -> None:
        super().__init__("workspace", "is not configured")
        self.name = name

    @property
    def told(self) -> str:
        """The text with the name, for whoever wrote it."""
        return f"workspace: {self.name!r} is not configured"


class VendorError(ServiceError):
    """MoEngage answered with something other than users. `status` is the HTTP code, None when there was no answer.

    `retry_at` (epoch seconds) is until when the answer says to wait, if it does. `may_be_content`: what this request
    holds may be the cause, and another one be answered: nothing is known yet of the account or of MoEngage.
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
    """The body's other shape is wanted."""


class VendorPayloadTooLarge(VendorError):
    """The payload is over the vendor's 128 KB."""


class VendorUnauthorized(VendorError):
    """The credentials do not hold (any more)."""


class VendorThrottled(VendorError):
    """The workspace's quota is used up, by us or by somebody else; `retry_at` when the vendor said until when."""

    def __init__(
        self, reason: str, *, retry_at: float | None, status: int | None = 429, request_id: str | None = None
    ) -> None:
        super().__init__(reason, status=status, request_id=request_id, retry_at=retry_at)


class VendorUnavailable(VendorError):
    """The vendor is in trouble: whether it counted the call is not known."""


class VendorAccessDenied(VendorError):
    """The vendor will refuse everything until a person has acted."""


class VendorBadRequest(VendorError):
    """The vendor cannot read what we sent: our defect."""


class AwsUnavailable(ServiceError):
    """AWS did not do it in as many tries as are sensible: throttled, in conflict, or left half done."""


class RetryLater(ServiceError):
    """The gate has no room before `retry_at` (epoch seconds)."""

    def __init__(self, retry_at: float, reason: str = "quota") -> None:
        super().__init__(f"{reason}: not before {retry_at:.3f}")
        self.retry_at = retry_at
        self.reason = reason


class GateClosed(RetryLater):
    """The gate is closed until `retry_at`; `reason` says why."""
