"""The open uploads of a partner: those whose URL has not expired, used or not.

A URL is valid for 15 minutes at most, so that this bounds what a partner stores in that time. One item holds the
expiry times of a partner's URLs: one write counts another, however many there are.
"""

from __future__ import annotations

import secrets
from typing import Any

from lookup.errors import LimitExceeded
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable

MICROSECONDS = 1_000_000
RETENTION_SECONDS = 24 * 3600.0  # of an item after its last upload
MAX_ATTEMPTS = 3  # each after a removal of expired ones


class OpenUploads:
    """The open uploads of partners, `limit` of each."""

    def __init__(self, table: LedgerTable, limit: int) -> None:
        self._table = table
        self._limit = limit

    def count(self, partner: str, ends_at: float) -> None:
        """Count an upload that is open until `ends_at` (epoch seconds). Raises `LimitExceeded`."""
        values = {"most": self._limit, "expires": int(ends_at + RETENTION_SECONDS)}
        room = "attribute_not_exists(#ends) OR (size(#ends) < :most AND NOT contains(#ends, :one))"
        for _ in range(MAX_ATTEMPTS):
            end = int(ends_at) * MICROSECONDS + secrets.randbelow(MICROSECONDS)  # distinct members of the set
            change, written = "SET #expires_at = :expires ADD #ends :end", values | {"end": {end}, "one": end}
            if self._table.update_item(_key(partner), change, written, condition=room) is not None:
                return
            self._forget_ended(partner)
        raise LimitExceeded("uploads", self._limit)

    def _forget_ended(self, partner: str) -> None:
        """Remove the uploads that have ended. Raises `LimitExceeded` when none has."""
        items = self._table.read([_key(partner)])
        ends: set[Any] = deserialize(items[0]).get("ends", set()) if items else set()
        ended = {end for end in ends if end <= self._table.clock() * MICROSECONDS}
        if not ended and len(ends) >= self._limit:
            raise LimitExceeded("uploads", self._limit)
        if ended:
            now = int(self._table.clock())
            self._table.update_item(
                _key(partner), "SET #looked_at = :now DELETE #ends :ended", {"now": now, "ended": ended}
            )


def _key(partner: str) -> dict[str, Any]:
    return serialize({"pk": f"uploads#{partner}", "sk": "open"})
