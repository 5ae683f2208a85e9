"""What may become of a lookup, each change conditional on what it is: of many callers one wins.

Each change of state also changes the partner's share, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookup.aws.dynamodb import ConditionsFailed
from lookup.errors import AwsUnavailable
from lookup.ledger.items import charge_facts, look_key, lookup_key, unfinished_item, unfinished_key, usage_key
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import (
    KEPT_SECONDS,
    Cursor,
    DailyCharge,
    LookupRecord,
    LookupSpec,
    LookupState,
    Reservation,
    Reserved,
)
from lookup.ledger.shares import Action, ReadyLookup
from lookup.ledger.table import LedgerTable

NOTHING = Reserved()
ACTIVE, PAUSED = LookupState.ACTIVE, LookupState.PAUSED
COMPLETED, CANCELLED = LookupState.COMPLETED, LookupState.CANCELLED
TRIES = 20  # of a change that meets feeding: each part that is fed changes how much is left to feed


class Transitions:
    """Changes of state. Each method tells whether the lookup was in a state that allows it.

    `adopt` brings a lookup of an earlier release into the shape that these changes need; True if it was one.
    """

    def __init__(
        self, table: LedgerTable, ledger: LookupLedger, adopt: Callable[[LookupSpec], bool] | None = None
    ) -> None:
        self._table = table
        self._ledger = ledger
        self._shares = ledger.shares
        self._adopt = adopt or (lambda _: False)

    def pause(self, spec: LookupSpec) -> bool:
        """Take an active lookup from the feeder's choice."""
        return self._stopped(spec, self._becomes(spec, PAUSED, ACTIVE), was=ACTIVE)

    def _charged(self, spec: LookupSpec, charge: DailyCharge | None, *, is_packed: bool = False) -> list[Action]:
        """Make the action that notes what a lookup is charged from now on, if that is something else.

        With `is_packed` its roster must not have been converted since: the lookup would have no place.
        """
        key, packed = (
            lookup_key(spec.lookup_id, "spec"),
            "#roster_gzipped = :packed OR attribute_exists(#roster_counted)",
        )
        if charge is None or charge == spec.charged:
            return [self._table.check(key, packed, {"packed": True})] if is_packed else []
        facts = {name: value for name, value in charge_facts(charge).items() if value is not None}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in facts)
        if charge.users is None:
            change += " REMOVE #charged_users"
        if is_packed:
            return [self._table.update(key, change, {**facts, "packed": True}, condition=packed)]
        return [self._table.update(key, change, facts)]

    def cancel(self, spec: LookupSpec, *, because: str | None = None) -> bool:
        """End a lookup early: what is not fed is not asked for. `because` is kept when nobody asked for it."""
        for was in (ACTIVE, PAUSED):
            ends = self._becomes(spec, CANCELLED, was)
            if because is not None:
                ends["Update"]["UpdateExpression"] = "SET #is = :to, #ended_because = :because REMOVE #finished_at"
                ends["Update"]["ExpressionAttributeNames"]["#ended_because"] = "ended_because"
                ends["Update"]["ExpressionAttributeValues"][":because"] = {"S": because}
            if self._stopped(spec, ends, was=was):
                return True
        return False

    def _stopped(self, spec: LookupSpec, change: Action, *, was: LookupState) -> bool:
        """Change the state of a lookup that is not fed any more; the sweep looks at what a feeder may have claimed."""

        def actions(entry: ReadyLookup | None) -> list[Action]:
            gains = {"running": -1} if was is ACTIVE else {}
            if entry is None:
                place = self._shares.absent(spec)
            else:
                gains |= {"ready": -1, "users": -entry.left}
                place = self._shares.leaving(entry)
            counted = [self._shares.changed(spec, gains)] if gains else []
            return [place, self._shares.look(spec), *counted]

        return self._written(spec, [change], actions)

    def _written(
        self,
        spec: LookupSpec,
        firm: Sequence[Action],
        others: Callable[[ReadyLookup | None], Sequence[Action]],
        reservations: Sequence[Reservation] = (),
    ) -> bool:
        """Write a change of state, decided by its `firm` conditions; look again while only the others change.

        Raises the refusal of a reservation that cannot be made.
        """
        reserved = [one.action for one in reservations]
        for _ in range(TRIES):
            belonging = others(self._shares.entry(spec))
            try:
                self._table.write(*firm, self._shares.known(spec), *reserved, *belonging)
            except ConditionsFailed as failure:
                first = min(failure.indexes) - len(firm)
                if first < 0 or (first == 0 and not self._adopt(spec)):
                    return False
                if 0 < first <= len(reserved):
                    raise reservations[first - 1].refusal() from None
            else:
                return True
        raise AwsUnavailable("a lookup was fed whenever its state was to be changed")

    def resume(self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING) -> bool:
        """Make a paused lookup active again, if it has entries to feed and is unchanged since `cursor` was read.

        Otherwise a retry that began since would never be fed. Raises when `reserved` is refused.
        """
        progress = self._ledger.progress(spec.lookup_id)
        if progress is None or (progress.cursor.exhausted, progress.cursor.round) != (cursor.exhausted, cursor.round):
            return False
        same = self._table.check(
            lookup_key(spec.lookup_id, "cursor"),
            "#exhausted = :exhausted AND #round = :round",
            {"exhausted": cursor.exhausted, "round": cursor.round},
        )

        def actions(entry: ReadyLookup | None) -> list[Action]:
            now = self._ledger.progress(spec.lookup_id) or progress
            is_packed = now.spec.roster.needs_conversion
            gains, place = {"running": 1}, [self._shares.look(spec)]
            if entry is None and not (cursor.exhausted or is_packed):
                gains |= {"ready": 1, "users": now.left}
                place = [self._shares.entering(spec, now.left)]
            noted = self._charged(spec, reserved.charge, is_packed=is_packed)
            return [self._shares.changed(spec, gains), *place, *noted]

        return self._written(spec, [self._becomes(spec, ACTIVE, PAUSED), same], actions, reserved.reservations)

    def retry_failed(
        self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING, *, most: int | None = None
    ) -> bool:
        """Feed the parts of a completed lookup that hold failures once more, in a new round.

        Raises the refusal of what cannot be reserved, and `LimitExceeded` when its partner has `most` unfinished.
        """
        next_round = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #round = :next, #retried_after = :none, #exhausted = :no",
            {"next": cursor.round + 1, "seen": cursor.round, "none": "", "no": False},
            condition="#round = :seen",
        )
        tally = self._ledger.tally(spec.lookup_id)
        places, begun = self._ledger.begun(spec, max(1, tally.counts.failed if tally else 1), most=most)
        actions = [
            self._becomes(spec, ACTIVE, COMPLETED),
            next_round,
            # Until the end before it is told, the lookup is among those that have not ended.
            self._table.put(unfinished_item(spec), absent=True),
            *places,
            *self._charged(spec, reserved.charge),
        ]
        return self._table.written_with(actions, [begun, *reserved.reservations])

    def finish(self, progress: LookupRecord) -> bool:
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
        to = CANCELLED if progress.state is CANCELLED else COMPLETED
        ended = self._becomes(spec, to, progress.state, ended=True)
        if to is CANCELLED:
            ended["Update"]["ConditionExpression"] += " AND attribute_not_exists(#finished_at)"
        running = [self._shares.changed(spec, {"running": -1})] if progress.state is ACTIVE else []
        return self._written(spec, [ended, as_read, *self._settled(progress)], lambda _: running)

    def _settled(self, progress: LookupRecord) -> list[Action]:
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

    def retire(self, told: LookupRecord) -> bool:
        """Forget a lookup among those that have not ended, once this end of it has been told."""
        spec = told.spec
        same_end = self._table.check(
            lookup_key(spec.lookup_id, "state"), "#finished_at = :told", {"told": told.finished_at}
        )
        forgotten = self._table.delete(unfinished_key(spec.workspace, spec.lookup_id))
        forgotten["Delete"] |= {
            "ConditionExpression": "attribute_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
        }
        return self._table.written(
            same_end,
            forgotten,
            self._shares.changed(spec, {"unfinished": -1}),
            self._table.delete(look_key(spec.workspace, spec.lookup_id)),
        )

    def _becomes(self, spec: LookupSpec, to: LookupState, was: LookupState, *, ended: bool = False) -> Action:
        return self._table.update(
            lookup_key(spec.lookup_id, "state"),
            "SET #is = :to, #finished_at = :now" if ended else "SET #is = :to REMOVE #finished_at",
            {"to": to.value, "was": was.value} | ({"now": self._table.clock()} if ended else {}),
            condition="#is = :was",
        )
