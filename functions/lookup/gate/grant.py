"""What the gate gives, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lookup.errors import VendorError
from lookup.model import Lane

# Why the gate refuses for now.
QUOTA, CONTENTION, LATE, CLOCK, UNANSWERED = "quota", "contention", "late", "clock", "unanswered"


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send `users` identifiers in one call that leaves at or before `not_after` (epoch seconds).

    It is charged whether it is used or not. `epoch` is the gate's when it was given; `probe` says that the gate
    stays closed to all others until this call's answer is reported; `closed_by` is why it is closed then.
    """

    users: int
    stamp: float
    not_after: float
    lane: Lane = Lane.BULK
    epoch: int = 0
    probe: bool = False
    closed_by: str | None = None


class Gate(Protocol):
    """One workspace's quota, shared by every function."""

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:
        """Wait for leave to send up to `users` (1 to 20) identifiers, until `wait_until` at most.

        A bulk grant may be for fewer: at least 17, or 14 while people ask, or a fiftieth of a limit under 850, or all
        when fewer were asked for. Raises `RetryLater` with `retry_at`, or `GateClosed`.
        """

    def room_at(self, users: int, lane: Lane) -> float:
        """Return when a call of so many users may find room, by what this process last saw; it asks nobody."""

    def report(self, grant: Grant, fault: VendorError | None) -> None:
        """Tell what the vendor answered to the grant's call: None for users, else the fault. Never raises."""

    def release(self, grant: Grant) -> None:
        """Tell that the grant's call says nothing about the vendor: was it the probe, the next is. Never raises."""


class GateEvent(StrEnum):
    """What can be observed at a gate, with the unit of its value."""

    GATE_REQUEST = "gate_request"  # one request to DynamoDB
    GRANTED = "granted"  # users
    UNUSED = "unused"  # users charged whose grant came too late to use
    WAITED = "waited"  # seconds from asking to the grant
    REFUSED = "refused"  # one request refused by the item, or work given back; `reason` says why
    CLOSED = "closed"  # one closing; `reason` says why
    REPORT_LOST = "report_lost"  # one vendor's answer that could not be written down


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that happened at a workspace's gate."""

    workspace: str
    what: GateEvent
    value: float = 1.0
    lane: Lane | None = None
    reason: str | None = None


Observe = Callable[[Observation], None]


def ignore(_: Observation) -> None:
    """Observe nothing."""
