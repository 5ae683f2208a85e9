"""Neutral calls, for a user that does not exist: they show whether a refusal is the account's or the content's.

Their rate is bounded over all processes, so that content that a firewall refuses cannot use the quota up.
"""

from __future__ import annotations

from typing import Protocol

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.model import Identifier, IdentifierType

NEUTRAL_ID = "moengage-lookup-doctor"  # a customer id that no user has: not found is a success
NEUTRAL_PAYLOAD = (Identifier(IdentifierType.CUSTOMER_ID, NEUTRAL_ID),)
INTERVAL = 2.0  # seconds between two of one workspace: a user of quota each, 3 % of 1,000 a minute at most


class NeutralCalls(Protocol):
    """The times of the neutral calls of one workspace (epoch seconds)."""

    def answered_at(self) -> float:
        """Return when the last successful one was sent; 0 if there was none."""

    def claim(self, now: float) -> bool:
        """Return whether the caller may make one now: none was begun within `INTERVAL`."""

    def record_success(self, sent_at: float) -> None:
        """Record the success of the one sent at `sent_at`."""


class OwnCalls:
    """The neutral calls of this process."""

    def __init__(self) -> None:
        self._begun_at = self._answered_at = 0.0

    def answered_at(self) -> float:
        """See `NeutralCalls`."""
        return self._answered_at

    def claim(self, now: float) -> bool:
        """See `NeutralCalls`."""
        if abs(now - self._begun_at) < INTERVAL:
            return False
        self._begun_at = now
        return True

    def record_success(self, sent_at: float) -> None:
        """See `NeutralCalls`."""
        self._answered_at = sent_at


class SharedCalls:
    """The neutral calls of all processes, in an item beside the gate's. Every method raises `AwsUnavailable`."""

    def __init__(self, table: LedgerTable, workspace: str) -> None:
        self._table = table
        self._key = serialize({"pk": f"gate#{workspace}", "sk": "neutral"})

    def answered_at(self) -> float:
        """See `NeutralCalls`."""
        items = self._table.read([self._key])
        return float(deserialize(items[0]).get("answered_at", 0)) / 1000 if items else 0.0

    def claim(self, now: float) -> bool:
        """See `NeutralCalls`. A claim far ahead, of a wrong clock, is ignored."""
        values = {"now": _ms(now), "before": _ms(now - INTERVAL), "after": _ms(now + INTERVAL)}
        may = "attribute_not_exists(#begun_at) OR #begun_at <= :before OR #begun_at >= :after"
        return self._table.update_item(self._key, "SET #begun_at = :now", values, condition=may) is not None

    def record_success(self, sent_at: float) -> None:
        """See `NeutralCalls`."""
        self._table.update_item(self._key, "SET #answered_at = :at", {"at": _ms(sent_at)})


def _ms(moment: float) -> int:
    return int(moment * 1000)
