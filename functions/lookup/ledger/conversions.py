"""Conversions of rosters in the ledger: which are pending and who is at work, and what came of those of the last hours.

conversions     <lookup id>         a lookup whose roster is still to be converted; gone when it is
roster#<key>    converted#<version> what a roster was converted to, for other lookups over the same
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lookup.ledger.items import plain, typed
from lookup.ledger.model import KEPT_SECONDS, LookupSpec, Roster
from lookup.ledger.table import LedgerTable

PENDING = "conversions"
REUSED_SECONDS = 6 * 3600  # that a copy serves other lookups: then it still lies there for as long as they need it
PAGE = 1000  # some 120 KB: a tick looks through all of them


@dataclass(frozen=True, slots=True)
class Pending:
    """A lookup that waits for its roster's conversion; `asked_at` is when it was put on the queue, 0 if it was not."""

    lookup_id: str
    partner: str
    asked_at: float


class LedgerConversions:
    """Which lookups wait for a conversion."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def begin(self, spec: LookupSpec) -> None:
        """Note that a lookup waits, before it is submitted: what is noted is found again whatever dies."""
        expires = int(self._table.clock()) + KEPT_SECONDS
        facts = {"partner": spec.partner, "asked_at": 0, "expires_at": expires}
        self._table.write(self._table.put(_key(spec.lookup_id) | typed(facts)))

    def asked(self, lookup_id: str) -> None:
        """Note that a lookup's conversion was put on the queue."""
        values = {"now": self._table.clock()}
        condition = "attribute_exists(#pk)"
        self._table.written(self._table.update(_key(lookup_id), "SET #asked_at = :now", values, condition=condition))

    def pending(self) -> Iterator[Pending]:
        """Yield the lookups that wait, page by page."""
        for item in map(plain, self._table.pages(PENDING, limit=PAGE)):
            yield Pending(item["sk"], item["partner"], float(item["asked_at"]))

    def claim(self, lookup_id: str, until: float) -> str | None:
        """Claim a conversion until then; return the claim's token, None when somebody else is at it."""
        token, now = uuid4().hex, self._table.clock()
        claimed = self._table.update(
            _key(lookup_id),
            "SET #token = :token, #claimed_until = :until",
            {"token": token, "until": until, "now": now},
            condition="attribute_exists(#pk) AND (attribute_not_exists(#claimed_until) OR #claimed_until <= :now)",
        )
        return token if self._table.written(claimed) else None

    def release(self, lookup_id: str, token: str) -> None:
        """Give a claim back: what was begun is to be tried again."""
        change = "REMOVE #token, #claimed_until"
        self._table.written(self._table.update(_key(lookup_id), change, {"token": token}, condition="#token = :token"))

    def is_pending(self, lookup_id: str) -> bool:
        """Tell whether a lookup still waits."""
        return bool(self._table.read([_key(lookup_id)]))

    def end(self, lookup_id: str) -> None:
        """Forget a lookup that waits no more."""
        self._table.write(self._table.delete(_key(lookup_id)))

    def keep(self, source: Roster, copy: Roster, *, is_exact: bool) -> None:
        """Keep what a roster was converted to."""
        now = self._table.clock()
        facts: dict[str, object] = {
            "key": copy.key,
            "version": copy.version_id,
            "size": copy.size,
            "entries": copy.entries,
            "is_exact": is_exact,
            "until": now + REUSED_SECONDS,
            "expires_at": int(now + REUSED_SECONDS),
        }
        self._table.write(self._table.put(_converted_key(source) | typed(facts)))

    def converted(self, source: Roster, *, exactly: bool) -> Roster | None:
        """Return what a roster was converted to lately, if its entries are exact or need not be."""
        found = self._table.read([_converted_key(source)])
        facts: dict[str, Any] = plain(found[0]) if found else {}
        if not facts or float(facts["until"]) <= self._table.clock() or (exactly and not facts["is_exact"]):
            return None
        return Roster(facts["key"], facts.get("version"), int(facts["size"]), int(facts["entries"]))


def _key(lookup_id: str) -> dict[str, Any]:
    return typed({"pk": PENDING, "sk": lookup_id})


def _converted_key(source: Roster) -> dict[str, Any]:
    return typed({"pk": f"roster#{source.key}", "sk": f"converted#{source.version_id or ''}"})
