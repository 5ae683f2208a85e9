"""What may become of a lookup, each change conditional on what it is: of many callers one wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lookup.ledger import Ledger
from lookup.ledger_items import active_key, lookup_key
from lookup.ledger_table import LedgerTable
from lookup.lookup_model import Cursor, LookupSpec, LookupState

ACTIVE, PAUSED = LookupState.ACTIVE, LookupState.PAUSED
COMPLETED, CANCELLED = LookupState.COMPLETED, LookupState.CANCELLED


class LedgerStates:
    """Changes of state. Each method tells whether the lookup was in a state that allows it."""

    def __init__(self, table: LedgerTable, ledger: Ledger) -> None:
        self._table = table
        self._ledger = ledger

    def pause(self, spec: LookupSpec) -> bool:
        """Take an active lookup from the feeder's choice."""
        return self._table.written(self._becomes(spec, PAUSED, [ACTIVE]), self._not_choosable(spec))

    def resume(self, spec: LookupSpec) -> bool:
        """Give a paused lookup back to the feeder."""
        active = self._table.put(self._ledger.active_item(spec))
        return self._table.written(self._becomes(spec, ACTIVE, [PAUSED]), active)

    def cancel(self, spec: LookupSpec) -> bool:
        """End a lookup early: what is not fed is not asked for."""
        return self._table.written(self._becomes(spec, CANCELLED, [ACTIVE, PAUSED]), self._not_choosable(spec))

    def retry_failed(self, spec: LookupSpec, cursor: Cursor) -> bool:
        """Feed the parts of a completed lookup that hold failures once more, in a new round."""
        next_round = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #round = :next, #retried_after = :none, #exhausted = :no",
            {"next": cursor.round + 1, "seen": cursor.round, "none": "", "no": False},
            condition="#round = :seen",
        )
        active = self._table.put(self._ledger.active_item(spec))
        return self._table.written(self._becomes(spec, ACTIVE, [COMPLETED]), next_round, active)

    def finish(self, spec: LookupSpec) -> bool:
        """Mark a lookup that is all in as completed, or a cancelled one as ended: True for exactly one caller."""
        if self._table.written(self._becomes(spec, COMPLETED, [ACTIVE, PAUSED], ended=True)):
            return True
        ended = self._becomes(spec, CANCELLED, [CANCELLED], ended=True)
        ended["Update"]["ConditionExpression"] += " AND attribute_not_exists(#finished_at)"
        return self._table.written(ended)

    def retire(self, spec: LookupSpec) -> None:
        """Forget a lookup among those that have not ended, once its end has been told."""
        self._table.write(self._table.delete(active_key(spec.workspace, spec.lookup_id)))

    def _becomes(
        self, spec: LookupSpec, to: LookupState, seen: Sequence[LookupState], *, ended: bool = False
    ) -> dict[str, Any]:
        values = {f"seen{number}": state.value for number, state in enumerate(seen)}
        return self._table.update(
            lookup_key(spec.lookup_id, "state"),
            "SET #is = :to, #finished_at = :now" if ended else "SET #is = :to REMOVE #finished_at",
            values | {"to": to.value} | ({"now": self._table.clock()} if ended else {}),
            condition=f"#is IN ({', '.join(f':{name}' for name in values)})",
        )

    def _not_choosable(self, spec: LookupSpec) -> dict[str, Any]:
        key = active_key(spec.workspace, spec.lookup_id)
        return self._table.update(key, "SET #choosable = :no", {"no": False}, condition="attribute_exists(#pk)")
