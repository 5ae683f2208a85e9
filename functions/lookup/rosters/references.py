"""References to uploaded rosters in the ledger: schedules that name one, and lookups of it.

roster#<key>    schedule#<name>     a schedule that names the roster; deleted when it does not
roster#<key>    lookup#<time>#<id>  a lookup of the roster; deleted once a deletion has found it ended
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.model import RETENTION_SECONDS, LookupSpec
from lookup.ledger.table import LedgerTable
from lookup.model import timestamp
from lookup.rosters.keys import uploaded_key

SCHEDULE, LOOKUP = "schedule#", "lookup#"
PAGE = 25


class RosterReferences:
    """The schedules and lookups that reference a roster, by its key."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def add_lookup(self, spec: LookupSpec) -> None:
        """Record a lookup of a roster, before it is submitted."""
        key = uploaded_key(spec.roster.key)
        facts = {"lookup_id": spec.lookup_id, "expires_at": int(spec.submitted_at) + RETENTION_SECONDS}
        mark = f"{LOOKUP}{timestamp(spec.submitted_at)}#{spec.lookup_id}"
        self._table.write(self._table.put(_item(key, mark) | serialize(facts)))

    def lookups(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield the lookups over a roster, newest first, as pairs of a mark and an id."""
        for item in self._table.pages(f"roster#{key}", prefix=LOOKUP, newest_first=True, limit=PAGE):
            facts = deserialize(item)
            yield facts["sk"], facts["lookup_id"]

    def add_schedule(self, key: str, schedule: str) -> None:
        """Record that a schedule names a roster."""
        self._table.write(self._table.put(_item(key, SCHEDULE + schedule)))

    def schedules(self, key: str) -> list[str]:
        """Return the schedules that name a roster."""
        items = self._table.query(f"roster#{key}", prefix=SCHEDULE)
        return [deserialize(item)["sk"].removeprefix(SCHEDULE) for item in items]

    def remove_schedule(self, key: str, schedule: str) -> None:
        """Record that a schedule no longer names a roster."""
        self.remove(key, SCHEDULE + schedule)

    def remove(self, key: str, mark: str) -> None:
        """Delete one reference to a roster."""
        self._table.write(self._table.delete(_item(key, mark)))

    def remove_copies(self, key: str) -> None:
        """Delete the results of a roster's conversions."""
        for item in self._table.query(f"roster#{key}", prefix="converted#"):
            self.remove(key, deserialize(item)["sk"])


def _item(key: str, mark: str) -> dict[str, Any]:
    return serialize({"pk": f"roster#{key}", "sk": mark})
