"""Access to MoEngage for one workspace, and the record of every call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lookup.errors import VendorError, VendorUnavailable
from lookup.fetch.neutral_calls import NeutralCalls, OwnCalls
from lookup.gate.breaker import FAILURES_TO_CLOSE, closes_at_once
from lookup.gate.grant import Grant
from lookup.gate.limiter import Gate
from lookup.model import Clock, Sleep
from lookup.moengage.client import MoEngage
from lookup.moengage.credential_store import CredentialStore

MAX_HELD = FAILURES_TO_CLOSE  # as many as close the gate


@dataclass(slots=True)
class RecentFailures:
    """The `VendorUnavailable` errors of one workspace in this process since its last success.

    The content of a call may be the cause. The gate closes after three in a row, or one with `Retry-After`. So the
    first two are reported at once, and one that would close it only after a neutral call has failed too; until then it
    is `held`: the grant, the error, and when the call was sent (epoch seconds).
    """

    in_a_row: int = 0
    held: list[tuple[Grant, VendorUnavailable, float]] = field(default_factory=list)

    def would_close(self, grant: Grant, error: VendorUnavailable, now: float) -> bool:
        """Return whether the gate might close if one more is reported."""
        return grant.probe or closes_at_once(error, now) or self.in_a_row + 1 >= FAILURES_TO_CLOSE

    def hold(self, grant: Grant, error: VendorUnavailable, sent_at: float) -> None:
        """Hold an error back; only the latest ones are kept."""
        self.in_a_row += 1
        self.held = [*self.held, (grant, error, sent_at)][-MAX_HELD:]

    def clear(self) -> None:
        """Clear all after a success."""
        self.in_a_row = 0
        self.held = []

    def clear_before(self, answered_at: float) -> None:
        """Clear all if a call sent at `answered_at`, in another process, succeeded after the last held one was sent."""
        if self.held and self.held[-1][2] <= answered_at:
            self.clear()


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call: its number of `users`, its duration in `seconds`, and its `error`, if any.

    With `is_neutral` it was for no real user, so that its content cannot be why it failed.
    """

    workspace: str
    users: int
    seconds: float
    error: VendorError | None = None
    is_neutral: bool = False


def _ignore(_: object) -> None:
    """Do nothing."""


def _never() -> bool:
    """Return False: no shutdown is requested."""
    return False


@dataclass(frozen=True, slots=True)
class VendorAccess:
    """One workspace's access to MoEngage: its gate, its client, its credentials.

    `on_call` is called after every call, `on_unused_grant` with users that were charged too late to be sent; while
    `is_stopping` no call is made. `neutral_calls` are those of the workspace, `failures` this process's.
    """

    gate: Gate
    client: MoEngage
    credentials: CredentialStore
    clock: Clock
    sleep: Sleep
    on_call: Callable[[CallRecord], None] = _ignore
    on_unused_grant: Callable[[int], None] = _ignore
    is_stopping: Callable[[], bool] = _never
    neutral_calls: NeutralCalls = field(default_factory=OwnCalls)
    failures: RecentFailures = field(default_factory=RecentFailures)
