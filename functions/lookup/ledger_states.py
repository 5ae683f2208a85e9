"""What may become of a lookup, each change conditional on what it is: of many callers one wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lookup.ledger import Ledger
from lookup.ledger_items import active_key, charge_facts, lookup_key, usage_key
from lookup.ledger_table import LedgerTable
from lookup.lookup_model import KEPT_SECONDS, Charge, Cursor, LookupSpec, LookupState, Progress
from lookup.reservation import Reserved

NOTHING = Reserved()
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

    def resume(self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING) -> bool:
        """Give a paused lookup back to the feeder, if anything of it is left to feed.

        Raises the refusal of what cannot be reserved.
        """
        active = self._table.put(self._ledger.active_item(spec, choosable=not cursor.exhausted))
        still = self._table.check(lookup_key(spec.lookup_id, "cursor"), "#exhausted = :yes", {"yes": True})
        as_read = [still] if cursor.exhausted else []  # else a retry that has begun since would never be fed
        actions = [self._becomes(spec, ACTIVE, [PAUSED]), active, *as_read, *self._charged(spec, reserved.charge)]
        return self._table.written_with(actions, reserved.reservations)

    def _charged(self, spec: LookupSpec, charge: Charge | None) -> list[dict[str, Any]]:
        """Make the action that notes what a lookup is charged from now on, if that is something else."""
        if charge is None or charge == spec.charged:
            return []
        facts = {name: value for name, value in charge_facts(charge).items() if value is not None}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in facts)
        if charge.users is None:
            change += " REMOVE #charged_users"
        return [self._table.update(lookup_key(spec.lookup_id, "spec"), change, facts)]

    def cancel(self, spec: LookupSpec, *, because: str | None = None) -> bool:
        """End a lookup early: what is not fed is not asked for. `because` is kept when nobody asked for it."""
        ends = self._becomes(spec, CANCELLED, [ACTIVE, PAUSED])
        if because is not None:
            ends["Update"]["UpdateExpression"] = "SET #is = :to, #ended_because = :because REMOVE #finished_at"
            ends["Update"]["ExpressionAttributeNames"]["#ended_because"] = "ended_because"
            ends["Update"]["ExpressionAttributeValues"][":because"] = {"S": because}
        return self._table.written(ends, self._not_choosable(spec))

    def retry_failed(self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING) -> bool:
        """Feed the parts of a completed lookup that hold failures once more, in a new round.

        Raises the refusal of what cannot be reserved.
        """
        next_round = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #round = :next, #retried_after = :none, #exhausted = :no",
            {"next": cursor.round + 1, "seen": cursor.round, "none": "", "no": False},
            condition="#round = :seen",
        )
        active = self._table.put(self._ledger.active_item(spec), absent=True)  # until its end is told, it is there
        actions = [self._becomes(spec, ACTIVE, [COMPLETED]), next_round, active, *self._charged(spec, reserved.charge)]
        return self._table.written_with(actions, reserved.reservations)

    def finish(self, progress: Progress) -> bool:
        """Mark a lookup that is all in as completed, or a cancelled one as ended: True for exactly one caller.

        False also when something was claimed or fed, or a retry has begun, since it was read. With the mark the users
        of the day become what they were in truth.
        """
        spec, cursor = progress.spec, progress.cursor
        as_read = self._table.check(
            lookup_key(spec.lookup_id, "cursor"),
            "attribute_not_exists(#claim_token) AND #parts_fed = :fed AND #round = :round",
            {"fed": cursor.parts_fed, "round": cursor.round},
        )
        settled = self._settled(progress)
        if self._table.written(self._becomes(spec, COMPLETED, [ACTIVE, PAUSED], ended=True), as_read, *settled):
            return True
        ended = self._becomes(spec, CANCELLED, [CANCELLED], ended=True)
        ended["Update"]["ConditionExpression"] += " AND attribute_not_exists(#finished_at)"
        return self._table.written(ended, as_read, *settled)

    def _settled(self, progress: Progress) -> list[dict[str, Any]]:
        """Make the action that corrects what the partner was charged; a retry was charged with the first round."""
        charged, counts = progress.spec.charged, progress.tally.counts
        if charged is None or charged.users is None or progress.cursor.round:
            return []
        more = counts.requested - counts.invalid - charged.users
        if not more:
            return []
        key, expires = usage_key(progress.spec.partner, charged.day), int(self._table.clock()) + KEPT_SECONDS
        change = "SET #expires_at = :expires ADD #users :more"
        # A lookup that was resumed since may have been charged to another day.
        spec_key, seen = lookup_key(progress.spec.lookup_id, "spec"), {"day": charged.day}
        return [
            self._table.update(key, change, {"more": more, "expires": expires}),
            self._table.check(spec_key, "#charged_on = :day", seen),
        ]

    def retire(self, told: Progress) -> bool:
        """Forget a lookup among those that have not ended, once this end of it has been told."""
        spec = told.spec
        same_end = self._table.check(
            lookup_key(spec.lookup_id, "state"), "#finished_at = :told", {"told": told.finished_at}
        )
        return self._table.written(self._table.delete(active_key(spec.workspace, spec.lookup_id)), same_end)

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
