"""How many schedules a partner has: the set of their names in the ledger, changed by conditions on itself.

EventBridge Scheduler cannot bound how many are created. A name is noted before its schedule is made, and
forgotten after it is deleted, so that whoever dies in between leaves a name too many, never a schedule. Such names are
found when the set is full; so are schedules that an earlier release put.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lookup.errors import LimitExceeded
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable

SETTLED = 60.0  # seconds after the last change, when every schedule that was noted is created or will not be
TRIES = 3  # of looking again


class ScheduleNames:
    """The names of partners' schedules, `most` of each."""

    def __init__(self, table: LedgerTable, most: int) -> None:
        self._table = table
        self._most = most

    def note(self, partner: str, name: str, listed: Callable[[], Iterable[str]]) -> None:
        """Note a schedule that is about to be put. `listed` reads the names that exist. Raises `LimitExceeded`."""
        values = {"name": {name}, "one": name, "most": self._most, "now": self._table.clock()}
        for _ in range(TRIES):
            written = self._table.update_item(
                _key(partner),
                "SET #changed_at = :now ADD #names :name",
                values,
                condition="attribute_not_exists(#names) OR contains(#names, :one) OR size(#names) < :most",
            )
            if written is not None:
                return
            self._correct(partner, listed)
        raise LimitExceeded("schedules", self._most)

    def _correct(self, partner: str, listed: Callable[[], Iterable[str]]) -> None:
        """Set a full set to the schedules that exist: a name in it may stand for none.

        Raises `LimitExceeded` when it holds nothing else, or when a schedule was put of late and may not be listed yet.
        """
        items = self._table.read([_key(partner)])
        facts: dict[str, Any] = deserialize(items[0]) if items else {}
        seen = float(facts.get("changed_at", 0.0))
        if seen > self._table.clock() - SETTLED:
            raise LimitExceeded("schedules", self._most)
        names = set(listed())
        if names == facts.get("names"):
            raise LimitExceeded("schedules", self._most)
        change = "SET #corrected_at = :now" + (", #names = :names" if names else " REMOVE #names")
        values = {"now": self._table.clock(), "seen": seen} | ({"names": names} if names else {})
        self._table.update_item(_key(partner), change, values, condition="#changed_at = :seen")

    def forget(self, partner: str, name: str) -> None:
        """Forget a schedule that is deleted."""
        self._table.update_item(
            _key(partner),
            "SET #forgotten_at = :now DELETE #names :name",
            {"name": {name}, "now": self._table.clock()},
            condition="attribute_exists(#names)",
        )


def _key(partner: str) -> dict[str, Any]:
    return serialize({"pk": f"schedules#{partner}", "sk": "names"})
