"""The way to MoEngage of one workspace, as whoever asks goes it, and what is heard of every call."""

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
    """How one call ended: `users` asked for, `seconds` until the answer, the `fault` if it was one.

    `is_neutral`: it asked for nobody, so that nothing it held can be why it failed.
    """

    workspace: str
    users: int
    seconds: float
    fault: VendorError | None = None
    is_neutral: bool = False


def _nobody(_: object) -> None:
    """Tell nobody."""


def _never() -> bool:
    """Never stop."""
    return False


@dataclass(frozen=True, slots=True)
class VendorAccess:
    """One workspace's way to MoEngage: its gate, its client, its credentials.

    `heard` is told of every call's end, `unused` of users that were charged and came too late to be asked for; while
    `is_stopping` nothing new is asked. `neutral_calls` are those of the workspace, `troubles` this process's.
    """

    gate: Gate
    client: MoEngage
    credentials: CredentialStore
    clock: Clock
    sleep: Sleep
    heard: Callable[[CallRecord], None] = _nobody
    unused: Callable[[int], None] = _nobody
    is_stopping: Callable[[], bool] = _never
    neutral_calls: NeutralCalls = field(default_factory=OwnCalls)
    troubles: RecentFailures = field(default_factory=RecentFailures)
