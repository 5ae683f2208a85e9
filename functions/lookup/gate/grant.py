"""A grant, the gate's interface, and the events that can be observed at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lookup.errors import VendorError
from lookup.model import Lane

# Reasons of `RetryLater`.
QUOTA, CONTENTION, LATE, CLOCK, UNANSWERED = "quota", "contention", "late", "clock", "unanswered"


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to send `users` identifiers in one call that leaves at or before `not_after` (epoch seconds).

    It counts whether it is used or not. `epoch` is the gate's at the grant; with `probe` the gate stays closed to
    all others until this call's response is reported, and `closed_by` is why it is closed.
    """

    users: int
    effective_at: float
    not_after: float
    lane: Lane = Lane.BULK
    epoch: int = 0
    probe: bool = False
    closed_by: str | None = None


class Gate(Protocol):
    """The rate limiter of one workspace, shared by all processes."""

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:
        """Wait for a grant of up to `users` (1 to 20) identifiers, until `wait_until` at most.

        A bulk grant may be for fewer: at least 17, or 14 beside on-demand requests, or a fiftieth of a limit under 850,
        or all when fewer were requested. Raises `RetryLater` with `retry_at`, or `GateClosed`.
        """

    def room_at(self, users: int, lane: Lane) -> float:
        """Return when a call of so many users may be granted, by this process's cached copy: no request is sent."""

    def report(self, grant: Grant, error: VendorError | None) -> None:
        """Report the result of the grant's call: None for a success, else the error. Never raises."""

    def release(self, grant: Grant) -> None:
        """Report that the grant's call has no result from the vendor; after a probe the next is one. Never raises."""


class GateEvent(StrEnum):
    """An event at a gate, with the unit of its value."""

    GATE_REQUEST = "gate_request"  # one request to DynamoDB
    GRANTED = "granted"  # users
    UNUSED = "unused"  # users granted in an answer that came too late to use
    WAITED = "waited"  # seconds from the request to the grant
    REFUSED = "refused"  # one update refused by its condition, or one `RetryLater`; `reason` says why
    CLOSED = "closed"  # one closing; `reason` says why
    REPORT_LOST = "report_lost"  # one report of a vendor's response that could not be written


@dataclass(frozen=True, slots=True)
class Observation:
    """One event at a workspace's gate."""

    workspace: str
    event: GateEvent
    value: float = 1.0
    lane: Lane | None = None
    reason: str | None = None


Observe = Callable[[Observation], None]


def ignore(_: Observation) -> None:
    """Observe nothing."""
