"""Access to MoEngage for one workspace, and the record of every call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lookup.errors import VendorError
from lookup.fetch.failures import RecentFailures
from lookup.fetch.neutral_calls import NeutralCalls, OwnCalls
from lookup.gate.limiter import Gate
from lookup.model import Clock, Sleep
from lookup.moengage.client import MoEngage
from lookup.moengage.credential_store import CredentialStore


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
