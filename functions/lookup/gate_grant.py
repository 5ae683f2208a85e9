"""What the gate gives, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lookup.model import Lane


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send `users` identifiers in one call that leaves at or before `not_after` (epoch seconds).

    It is charged whether it is used or not. `epoch` is the gate's when it was given; `probe` says that the gate
    stays closed to all others until this call's answer is reported.
    """

    users: int
    stamp: float
    not_after: float
    lane: Lane = Lane.BULK
    epoch: int = 0
    probe: bool = False


class Seen(StrEnum):
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
    what: Seen
    value: float = 1.0
    lane: Lane | None = None
    reason: str | None = None


Observe = Callable[[Observation], None]


def unobserved(_: Observation) -> None:
    """Observe nothing."""
