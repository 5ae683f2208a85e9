"""How many uploads of a partner are open: those whose address is good, whether it was used or not.

An address is good for 15 minutes at most, so that this bounds what a partner stores in that time. An item holds the
moments at which the addresses end: one write counts another, however many there are.
"""

from __future__ import annotations

import secrets
from typing import Any

from lookup.errors import LimitExceeded
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable

MICROSECONDS = 1_000_000
KEPT = 24 * 3600.0  # seconds that an item stays after its last upload
TRIES = 3  # of forgetting what has ended


class OpenUploads:
    """The open uploads of partners, `most` of each."""

    def __init__(self, table: LedgerTable, most: int) -> None:
        self._table = table
        self._most = most

    def count(self, partner: str, ends_at: float) -> None:
        """Count an upload that is open until `ends_at` (epoch seconds). Raises `LimitExceeded`."""
        values = {"most": self._most, "expires": int(ends_at + KEPT)}
        room = "attribute_not_exists(#ends) OR (size(#ends) < :most AND NOT contains(#ends, :one))"
        for _ in range(TRIES):
            end = int(ends_at) * MICROSECONDS + secrets.randbelow(MICROSECONDS)  # two that end together are two
            change, written = "SET #expires_at = :expires ADD #ends :end", values | {"end": {end}, "one": end}
            if self._table.update_now(_key(partner), change, written, condition=room) is not None:
                return
            self._forget_ended(partner)
        raise LimitExceeded("uploads", self._most)

    def _forget_ended(self, partner: str) -> None:
        """Forget the uploads that have ended. Raises `LimitExceeded` when none has."""
        items = self._table.read([_key(partner)])
        ends: set[Any] = deserialize(items[0]).get("ends", set()) if items else set()
        ended = {end for end in ends if end <= self._table.clock() * MICROSECONDS}
        if not ended and len(ends) >= self._most:
            raise LimitExceeded("uploads", self._most)
        if ended:
            now = int(self._table.clock())
            self._table.update_now(
                _key(partner), "SET #looked_at = :now DELETE #ends :ended", {"now": now, "ended": ended}
            )


def _key(partner: str) -> dict[str, Any]:
    return serialize({"pk": f"uploads#{partner}", "sk": "open"})
