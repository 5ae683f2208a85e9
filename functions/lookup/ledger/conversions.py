"""Conversions of rosters in the ledger: pending ones with their claims, and the results of the last hours.

conversions             <lookup id>         a lookup whose roster is to be converted; deleted when it is
conversions#<partner>   <time>#<lookup id>  its place in its partner's queue; deleted with it or its message
conversions#            looked_at           how far the minute's maintenance has read them
roster#<key>            converted#<version> the result of a conversion, for other lookups of the same roster
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.model import RETENTION_SECONDS, LookupSpec, Roster
from lookup.ledger.table import LedgerTable
from lookup.model import timestamp

PENDING = "conversions"
REUSED_SECONDS = 6 * 3600  # of a copy, for other lookups; its retention is longer by the time that they take
EXISTS = "attribute_exists(#pk)"
PAGE = 1000  # some 150 KB: what one maintenance run reads


@dataclass(frozen=True, slots=True)
class PendingConversion:
    """A lookup that waits for its roster's conversion since `noted_at`; `place` is its place in its partner's queue.

    `queued_at` is when its message was sent, 0 if it was not. It has no `place` when its message was dead-lettered, or
    when an earlier release wrote it.
    """

    lookup_id: str
    partner: str
    queued_at: float
    noted_at: float = 0.0
    place: str | None = None


class ConversionLedger:
    """The lookups that wait for a conversion. `page` is how many a maintenance run reads."""

    def __init__(self, table: LedgerTable, *, page: int = PAGE) -> None:
        self._table = table
        self._page_size = page

    def begin(self, spec: LookupSpec) -> bool:
        """Record that a lookup waits, before it is submitted, so that a crash does not lose it.

        Return False when it was recorded before: then it keeps its place.
        """
        now = self._table.clock()
        place = f"{timestamp(now)}#{spec.lookup_id}"
        facts = {
            "partner": spec.partner,
            "asked_at": 0,
            "noted_at": now,
            "place": place,
            "expires_at": int(now) + RETENTION_SECONDS,
        }
        places = {"lookup_id": spec.lookup_id, "expires_at": int(now) + RETENTION_SECONDS}
        noted = self._table.put(_key(spec.lookup_id) | serialize(facts), absent=True)
        if self._table.try_write(noted, self._table.put(_place_key(spec.partner, place) | serialize(places))):
            return True
        again = self._table.update(_key(spec.lookup_id), "SET #noted_at = :now", {"now": now}, condition=EXISTS)
        self._table.try_write(again)
        return False

    def mark_queued(self, lookup_id: str) -> None:
        """Record that the message of a lookup's conversion was sent."""
        values = {"now": self._table.clock()}
        self._table.try_write(self._table.update(_key(lookup_id), "SET #asked_at = :now", values, condition=EXISTS))

    def next_of_partner(self, partner: str, limit: int) -> list[PendingConversion]:
        """Return the first of a partner's queue, at most 100, in their order."""
        places = [deserialize(item) for item in self._table.query(_queue_pk(partner), limit=limit)]
        items = self._table.read([_key(one) for one in dict.fromkeys(one["lookup_id"] for one in places)])
        pending = {one.place: one for one in map(_pending, items)}
        for one in places:
            if one["sk"] not in pending:  # an earlier item of the same lookup had this place
                self._table.write(self._table.delete(_place_key(partner, one["sk"])))
        return [pending[one["sk"]] for one in places if one["sk"] in pending]

    def next_page(self) -> list[PendingConversion]:
        """Return the next waiting lookups, from where the last call ended; after the last page the first follows."""
        first = self._page("")
        if len(first) < self._page_size:
            return first
        marks = self._table.read([_position_key()])
        after = deserialize(marks[0])["after"] if marks else ""
        found = self._page(after) if after else first
        ended_at = found[-1].lookup_id if len(found) == self._page_size else ""
        self._table.write(self._table.put(_position_key() | serialize({"after": ended_at})))
        return found

    def _page(self, after: str) -> list[PendingConversion]:
        return [_pending(item) for item in self._table.query(PENDING, after=after, limit=self._page_size)]

    def claim(self, lookup_id: str, until: float) -> str | None:
        """Claim a conversion until then. Return the claim's token, None when another worker has it."""
        token, now = uuid4().hex, self._table.clock()
        claimed = self._table.update(
            _key(lookup_id),
            "SET #token = :token, #claimed_until = :until",
            {"token": token, "until": until, "now": now},
            condition="attribute_exists(#pk) AND (attribute_not_exists(#claimed_until) OR #claimed_until <= :now)",
        )
        return token if self._table.try_write(claimed) else None

    def release(self, lookup_id: str, token: str) -> None:
        """Release a claim: the conversion is to be tried again."""
        change = "REMOVE #token, #claimed_until"
        own = "#token = :token"
        self._table.try_write(self._table.update(_key(lookup_id), change, {"token": token}, condition=own))

    def is_pending(self, lookup_id: str) -> bool:
        """Return whether a lookup waits for its conversion."""
        return bool(self._table.read([_key(lookup_id)]))

    def was_noted_within(self, lookup_id: str, seconds: float) -> bool:
        """Return whether a lookup was recorded within the last `seconds`."""
        items = self._table.read([_key(lookup_id)])
        return any(_pending(item).noted_at > self._table.clock() - seconds for item in items)

    def defer(self, lookup_id: str) -> None:
        """Remove a lookup that could not be converted from its partner's queue."""
        for one in map(_pending, self._table.read([_key(lookup_id)])):
            if one.place is not None:
                left = self._table.update(
                    _key(lookup_id), "REMOVE #place", {"place": one.place}, condition="#place = :place"
                )
                self._table.try_write(left, self._table.delete(_place_key(one.partner, one.place)))

    def end(self, lookup_id: str) -> None:
        """Delete a lookup that no longer waits."""
        for one in map(_pending, self._table.read([_key(lookup_id)])):
            places = [] if one.place is None else [self._table.delete(_place_key(one.partner, one.place))]
            self._table.write(self._table.delete(_key(lookup_id)), *places)

    def record_result(self, source: Roster, copy: Roster, *, is_exact: bool) -> None:
        """Record the result of a conversion."""
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

    def find_result(self, source: Roster, *, exactly: bool) -> Roster | None:
        """Return the recent result of a roster's conversion, if its entries are exact or need not be."""
        found = self._table.read([_converted_key(source)])
        facts: dict[str, Any] = deserialize(found[0]) if found else {}
        if not facts or float(facts["until"]) <= self._table.clock() or (exactly and not facts["is_exact"]):
            return None
        return Roster(facts["key"], facts.get("version"), int(facts["size"]), int(facts["entries"]))


def _key(lookup_id: str) -> dict[str, Any]:
    return serialize({"pk": PENDING, "sk": lookup_id})


def _queue_pk(partner: str) -> str:
    return f"{PENDING}#{partner}"


def _place_key(partner: str, place: str) -> dict[str, Any]:
    return serialize({"pk": _queue_pk(partner), "sk": place})


def _position_key() -> dict[str, Any]:
    return serialize({"pk": _queue_pk(""), "sk": "looked_at"})


def _pending(item: Mapping[str, Any]) -> PendingConversion:
    facts = deserialize(item)
    noted_at = float(facts.get("noted_at", 0.0))
    return PendingConversion(facts["sk"], facts["partner"], float(facts["asked_at"]), noted_at, facts.get("place"))


def _converted_key(source: Roster) -> dict[str, Any]:
    return serialize({"pk": f"roster#{source.key}", "sk": f"converted#{source.version_id or ''}"})
