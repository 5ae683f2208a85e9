"""Whose fault is a refusal: the account's, or that of what one request holds? A call that asks for nobody tells.

How often it is made is bounded over all processes: whoever sends what a firewall refuses must not use the quota up.
"""

from __future__ import annotations

from typing import Protocol

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.model import Identifier, IdentifierType

NOBODY = "moengage-lookup-doctor"  # a customer id that surely nobody has: a miss is an answer too
QUESTION = (Identifier(IdentifierType.CUSTOMER_ID, NOBODY),)
EVERY = 2.0  # seconds between two neutral calls of one workspace: a user of quota each, 3 % of 1,000 a minute at most


class NeutralCalls(Protocol):
    """When the neutral calls of one workspace were made. Times are epoch seconds."""

    def answered_at(self) -> float:
        """Return when the last one left that was answered as if all were well; 0 if there was none."""

    def claim(self, now: float) -> bool:
        """Return whether the caller may make one now: none has been begun for `EVERY` seconds."""

    def answer(self, sent_at: float) -> None:
        """Note that the one that left then was answered."""


class OwnCalls:
    """Those of this process."""

    def __init__(self) -> None:
        self._begun_at = self._answered_at = 0.0

    def answered_at(self) -> float:
        """See `NeutralCalls`."""
        return self._answered_at

    def claim(self, now: float) -> bool:
        """See `NeutralCalls`."""
        if abs(now - self._begun_at) < EVERY:
            return False
        self._begun_at = now
        return True

    def answer(self, sent_at: float) -> None:
        """See `NeutralCalls`."""
        self._answered_at = sent_at


class SharedCalls:
    """Those of all processes, in an item of the ledger beside the gate's. Every method raises `AwsUnavailable`."""

    def __init__(self, table: LedgerTable, workspace: str) -> None:
        self._table = table
        self._key = serialize({"pk": f"gate#{workspace}", "sk": "neutral"})

    def answered_at(self) -> float:
        """See `NeutralCalls`."""
        items = self._table.read([self._key])
        return float(deserialize(items[0]).get("answered_at", 0)) / 1000 if items else 0.0

    def claim(self, now: float) -> bool:
        """See `NeutralCalls`. A claim far ahead, of a clock that was wrong, holds for nobody."""
        values = {"now": _ms(now), "before": _ms(now - EVERY), "after": _ms(now + EVERY)}
        may = "attribute_not_exists(#begun_at) OR #begun_at <= :before OR #begun_at >= :after"
        return self._table.update_item(self._key, "SET #begun_at = :now", values, condition=may) is not None

    def answer(self, sent_at: float) -> None:
        """See `NeutralCalls`."""
        self._table.update_item(self._key, "SET #answered_at = :at", {"at": _ms(sent_at)})


def _ms(moment: float) -> int:
    return int(moment * 1000)
