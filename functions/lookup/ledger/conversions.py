"""Conversions of rosters in the ledger: which are pending and who is at work, and what came of those of the last hours.

conversions             <lookup id>         a lookup whose roster is still to be converted; gone when it is
conversions#<partner>   <time>#<lookup id>  its place in its partner's line; gone with it, or when it was laid aside
conversions#            looked_at           how far the minute's tick has looked through them
roster#<key>            converted#<version> what a roster was converted to, for other lookups over the same
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.model import KEPT_SECONDS, LookupSpec, Roster
from lookup.ledger.table import LedgerTable
from lookup.model import timestamp

PENDING = "conversions"
REUSED_SECONDS = 6 * 3600  # that a copy serves other lookups: then it still lies there for as long as they need it
IS_NOTED = "attribute_exists(#pk)"
PAGE = 1000  # some 150 KB: what one tick looks through


@dataclass(frozen=True, slots=True)
class Pending:
    """A lookup that waits for its roster's conversion, noted at `noted_at`; `place` is its own in its partner's line.

    `asked_at` is when it was put on the queue, 0 if it was not. It has no `place` when its message was laid aside, or
    when an earlier release noted it.
    """

    lookup_id: str
    partner: str
    asked_at: float
    noted_at: float = 0.0
    place: str | None = None


class ConversionLedger:
    """Which lookups wait for a conversion. `page` is how many a tick looks through."""

    def __init__(self, table: LedgerTable, *, page: int = PAGE) -> None:
        self._table = table
        self._page_size = page

    def begin(self, spec: LookupSpec) -> bool:
        """Note that a lookup waits, before it is submitted: what is noted is found again whatever dies.

        Returns False when it was noted before: then it keeps its place.
        """
        now = self._table.clock()
        place = f"{timestamp(now)}#{spec.lookup_id}"
        facts = {
            "partner": spec.partner,
            "asked_at": 0,
            "noted_at": now,
            "place": place,
            "expires_at": int(now) + KEPT_SECONDS,
        }
        stands = {"lookup_id": spec.lookup_id, "expires_at": int(now) + KEPT_SECONDS}
        noted = self._table.put(_key(spec.lookup_id) | serialize(facts), absent=True)
        if self._table.written(noted, self._table.put(_place_key(spec.partner, place) | serialize(stands))):
            return True
        again = self._table.update(_key(spec.lookup_id), "SET #noted_at = :now", {"now": now}, condition=IS_NOTED)
        self._table.written(again)
        return False

    def asked(self, lookup_id: str) -> None:
        """Note that a lookup's conversion was put on the queue."""
        values = {"now": self._table.clock()}
        self._table.written(self._table.update(_key(lookup_id), "SET #asked_at = :now", values, condition=IS_NOTED))

    def line(self, partner: str, limit: int) -> list[Pending]:
        """Return the first of a partner's line, at most 100, in their order."""
        stands = [deserialize(item) for item in self._table.query(_line(partner), limit=limit)]
        items = self._table.read([_key(one) for one in dict.fromkeys(one["lookup_id"] for one in stands)])
        standing = {one.place: one for one in map(_pending, items)}
        for one in stands:
            if one["sk"] not in standing:  # an earlier item of the same lookup had this place
                self._table.write(self._table.delete(_place_key(partner, one["sk"])))
        return [standing[one["sk"]] for one in stands if one["sk"] in standing]

    def next_page(self) -> list[Pending]:
        """Return the next lookups that wait, from where the last call ended; after the last ones the first follow."""
        first = self._page("")
        if len(first) < self._page_size:
            return first
        marks = self._table.read([_looked_key()])
        after = deserialize(marks[0])["after"] if marks else ""
        found = self._page(after) if after else first
        ended_at = found[-1].lookup_id if len(found) == self._page_size else ""
        self._table.write(self._table.put(_looked_key() | serialize({"after": ended_at})))
        return found

    def _page(self, after: str) -> list[Pending]:
        return [_pending(item) for item in self._table.query(PENDING, after=after, limit=self._page_size)]

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
        """Return a claim back: what was begun is to be tried again."""
        change = "REMOVE #token, #claimed_until"
        self._table.written(self._table.update(_key(lookup_id), change, {"token": token}, condition="#token = :token"))

    def is_pending(self, lookup_id: str) -> bool:
        """Return whether a lookup still waits."""
        return bool(self._table.read([_key(lookup_id)]))

    def is_new(self, lookup_id: str, seconds: float) -> bool:
        """Return whether a lookup was noted within so many seconds."""
        items = self._table.read([_key(lookup_id)])
        return any(_pending(item).noted_at > self._table.clock() - seconds for item in items)

    def defer(self, lookup_id: str) -> None:
        """Let the next of its partner's line come before a lookup that could not be converted."""
        for one in map(_pending, self._table.read([_key(lookup_id)])):
            if one.place is not None:
                left = self._table.update(
                    _key(lookup_id), "REMOVE #place", {"place": one.place}, condition="#place = :place"
                )
                self._table.written(left, self._table.delete(_place_key(one.partner, one.place)))

    def end(self, lookup_id: str) -> None:
        """Forget a lookup that waits no more."""
        for one in map(_pending, self._table.read([_key(lookup_id)])):
            places = [] if one.place is None else [self._table.delete(_place_key(one.partner, one.place))]
            self._table.write(self._table.delete(_key(lookup_id)), *places)

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
        self._table.write(self._table.put(_converted_key(source) | serialize(facts)))

    def converted(self, source: Roster, *, exactly: bool) -> Roster | None:
        """Return what a roster was converted to lately, if its entries are exact or need not be."""
        found = self._table.read([_converted_key(source)])
        facts: dict[str, Any] = deserialize(found[0]) if found else {}
        if not facts or float(facts["until"]) <= self._table.clock() or (exactly and not facts["is_exact"]):
            return None
        return Roster(facts["key"], facts.get("version"), int(facts["size"]), int(facts["entries"]))


def _key(lookup_id: str) -> dict[str, Any]:
    return serialize({"pk": PENDING, "sk": lookup_id})


def _line(partner: str) -> str:
    return f"{PENDING}#{partner}"


def _place_key(partner: str, place: str) -> dict[str, Any]:
    return serialize({"pk": _line(partner), "sk": place})


def _looked_key() -> dict[str, Any]:
    return serialize({"pk": _line(""), "sk": "looked_at"})


def _pending(item: Mapping[str, Any]) -> Pending:
    facts = deserialize(item)
    noted_at = float(facts.get("noted_at", 0.0))
    return Pending(facts["sk"], facts["partner"], float(facts["asked_at"]), noted_at, facts.get("place"))


def _converted_key(source: Roster) -> dict[str, Any]:
    return serialize({"pk": f"roster#{source.key}", "sk": f"converted#{source.version_id or ''}"})
