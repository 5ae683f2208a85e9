"""Who needs an uploaded roster, in the ledger: schedules that name it, and lookups over it.

roster#<key>    schedule#<name>     a schedule that names the roster; gone when it does not
roster#<key>    lookup#<time>#<id>  a lookup over the roster; gone once a deletion has found it ended
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
    """Which schedules and lookups need a roster, by its key."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def looked_up(self, spec: LookupSpec) -> None:
        """Note a lookup over a roster, before it is submitted."""
        key = uploaded_key(spec.roster.key)
        facts = {"lookup_id": spec.lookup_id, "expires_at": int(spec.submitted_at) + RETENTION_SECONDS}
        mark = f"{LOOKUP}{timestamp(spec.submitted_at)}#{spec.lookup_id}"
        self._table.write(self._table.put(_item(key, mark) | serialize(facts)))

    def lookups(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield the lookups over a roster, newest first, as pairs of a mark and an id."""
        for item in self._table.pages(f"roster#{key}", prefix=LOOKUP, newest_first=True, limit=PAGE):
            facts = deserialize(item)
            yield facts["sk"], facts["lookup_id"]

    def named(self, key: str, schedule: str) -> None:
        """Note that a schedule names a roster."""
        self._table.write(self._table.put(_item(key, SCHEDULE + schedule)))

    def schedules(self, key: str) -> list[str]:
        """Return the schedules that name a roster."""
        items = self._table.query(f"roster#{key}", prefix=SCHEDULE)
        return [deserialize(item)["sk"].removeprefix(SCHEDULE) for item in items]

    def forget_schedule(self, key: str, schedule: str) -> None:
        """Note that a schedule names a roster no more."""
        self.forget(key, SCHEDULE + schedule)

    def forget(self, key: str, mark: str) -> None:
        """Forget who needed a roster."""
        self._table.write(self._table.delete(_item(key, mark)))

    def forget_copies(self, key: str) -> None:
        """Forget what a roster was converted to."""
        for item in self._table.query(f"roster#{key}", prefix="converted#"):
            self.forget(key, deserialize(item)["sk"])


def _item(key: str, mark: str) -> dict[str, Any]:
    return serialize({"pk": f"roster#{key}", "sk": mark})
