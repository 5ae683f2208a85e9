"""The only place that lets a payload through to MoEngage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lookup.errors import VendorFault
from lookup.model import Lane


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send `users` identifiers in one call that leaves at or before `not_after` (epoch seconds)."""

    users: int
    stamp: float
    not_after: float


class Gate(Protocol):
    """One workspace's quota, shared by every function."""

    def admit(self, users: int, *, lane: Lane, wait_until: float) -> Grant:
        """Wait for leave to send up to `users` (1 to 20) identifiers, until `wait_until` at most.

        The grant may be for fewer. Raises `NotNow` with `retry_at`, or `Closed`.
        """

    def report(self, grant: Grant, fault: VendorFault | None) -> None:
        """Tell what the vendor answered to the grant's call: None for users, else the fault. Never raises."""
