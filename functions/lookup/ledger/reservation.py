"""What is counted in the transaction of something else: with it, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lookup.errors import LookupFault
from lookup.ledger.model import Charge


@dataclass(frozen=True, slots=True)
class Reservation:
    """An action that belongs to a transaction of somebody else's: what it counts is counted with it, or not at all.

    `refusal` makes the fault to raise when the action's condition does not hold.
    """

    action: Mapping[str, Any]
    refusal: Callable[[], LookupFault]


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a lookup is charged, and what charges it in the lookup's own transaction; nothing without a limit."""

    charge: Charge | None = None
    reservations: tuple[Reservation, ...] = ()
