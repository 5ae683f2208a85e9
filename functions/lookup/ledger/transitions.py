"""The state transitions of a lookup, each conditional on its state: of concurrent callers one succeeds.

Each change of state also changes the partner's share, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookup.aws.dynamodb import ConditionsFailed
from lookup.errors import AwsUnavailable
from lookup.ledger.items import charge_facts, lookup_key, sweep_key, unfinished_item, unfinished_key, usage_key
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import (
    LEAST_CHARGE,
    PARTS_SECONDS,
    RETENTION_SECONDS,
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
MAX_ATTEMPTS = 20  # of a change that conflicts with feeding: each part that is fed changes how much is left


class Transitions:
    """State transitions. Each method returns whether the lookup was in a state that allows it.

    `adopt` migrates a lookup of an earlier release into the format that these changes need; True if it was one.
    """

    def __init__(
        self, table: LedgerTable, ledger: LookupLedger, adopt: Callable[[LookupSpec], bool] | None = None
    ) -> None:
        self._table = table
        self._ledger = ledger
        self._shares = ledger.shares
        self._adopt = adopt or (lambda _: False)

    def pause(self, spec: LookupSpec) -> bool:
        """Pause an active lookup: it is not fed."""
        return self._stop_feeding(spec, self._transition(spec, PAUSED, ACTIVE), was=ACTIVE)

    def _charge_actions(
        self, spec: LookupSpec, charge: DailyCharge | None, *, awaits_conversion: bool = False
    ) -> list[Action]:
        """Return the action that records a changed charge of a lookup, if it is changed.

        With `awaits_conversion` its roster must not have been converted since: the lookup would have no ready entry.
        """
        key, packed = (
            lookup_key(spec.lookup_id, "spec"),
            "#roster_gzipped = :packed OR attribute_exists(#roster_counted)",
        )
        if charge is None or charge == spec.charged:
            return [self._table.check(key, packed, {"packed": True})] if awaits_conversion else []
        facts = {name: value for name, value in charge_facts(charge).items() if value is not None}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in facts)
        if charge.users is None:
            change += " REMOVE #charged_users"
        if awaits_conversion:
            return [self._table.update(key, change, {**facts, "packed": True}, condition=packed)]
        return [self._table.update(key, change, facts)]

    def cancel(self, spec: LookupSpec, *, reason: str | None = None) -> bool:
        """End a lookup early: nothing more is fed. `reason` is recorded when it was not requested."""
        for was in (ACTIVE, PAUSED):
            ends = self._transition(spec, CANCELLED, was)
            if reason is not None:
                ends["Update"]["UpdateExpression"] = "SET #is = :to, #ended_because = :because REMOVE #finished_at"
                ends["Update"]["ExpressionAttributeNames"]["#ended_because"] = "ended_because"
                ends["Update"]["ExpressionAttributeValues"][":because"] = {"S": reason}
            if self._stop_feeding(spec, ends, was=was):
                return True
        return False

    def _stop_feeding(self, spec: LookupSpec, change: Action, *, was: LookupState) -> bool:
        """Write a state in which nothing is fed; the sweep checks for a feeder's claim."""

        def actions(entry: ReadyLookup | None) -> list[Action]:
            gains = {"running": -1} if was is ACTIVE else {}
            if entry is None:
                place = self._shares.require_not_ready(spec)
            else:
                gains |= {"ready": -1, "users": -entry.left}
                place = self._shares.remove_ready(entry)
            counted = [self._shares.update_share(spec, gains)] if gains else []
            return [place, self._shares.mark_for_sweep(spec), *counted]

        return self._write(spec, [change], actions)

    def _write(
        self,
        spec: LookupSpec,
        decisive: Sequence[Action],
        others: Callable[[ReadyLookup | None], Sequence[Action]],
        reservations: Sequence[Reservation] = (),
    ) -> bool:
        """Write a transition; its `decisive` conditions decide, conflicts of the other actions are retried.

        Raises the refusal of a reservation.
        """
        reserved = [one.action for one in reservations]
        for _ in range(MAX_ATTEMPTS):
            belonging = others(self._shares.ready_entry(spec))
            try:
                self._table.write(*decisive, self._shares.require_unfinished(spec), *reserved, *belonging)
            except ConditionsFailed as failure:
                first = min(failure.indexes) - len(decisive)
                if first < 0 or (first == 0 and not self._adopt(spec)):
                    return False
                if 0 < first <= len(reserved):
                    raise reservations[first - 1].refusal() from None
            else:
                return True
        raise AwsUnavailable("a transition met feeding through all retries")

    def resume(self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING) -> bool:
        """Make a paused lookup active again, if it has entries to feed and is unchanged since `cursor` was read.

        Otherwise a retry that began since would never be fed. Raises when `reserved` is refused.
        """
        progress = self._ledger.get(spec.lookup_id)
        seen = (cursor.exhausted, cursor.retry_round)
        if progress is None or (progress.cursor.exhausted, progress.cursor.retry_round) != seen:
            return False
        same = self._table.check(
            lookup_key(spec.lookup_id, "cursor"),
            "#exhausted = :exhausted AND #round = :round",
            {"exhausted": cursor.exhausted, "round": cursor.retry_round},
        )

        def actions(entry: ReadyLookup | None) -> list[Action]:
            now = self._ledger.get(spec.lookup_id) or progress
            awaits_conversion = now.spec.roster.needs_conversion
            gains, place = {"running": 1}, [self._shares.mark_for_sweep(spec)]
            if entry is None and not (cursor.exhausted or awaits_conversion):
                gains |= {"ready": 1, "users": now.left}
                place = [self._shares.add_ready(spec, now.left)]
            noted = self._charge_actions(spec, reserved.charge, awaits_conversion=awaits_conversion)
            return [self._shares.update_share(spec, gains), *place, *noted]

        return self._write(spec, [self._transition(spec, ACTIVE, PAUSED), same], actions, reserved.reservations)

    def retry_failed(
        self, spec: LookupSpec, cursor: Cursor, reserved: Reserved = NOTHING, *, most: int | None = None
    ) -> bool:
        """Begin a retry round of a completed lookup: its parts that hold failures are fed again.

        The others are needed for its results, so none begins once parts are deleted. Raises the refusal of a
        reservation, and `LimitExceeded` when its partner has `most` unfinished.
        """
        next_round = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #round = :next, #retried_after = :none, #exhausted = :no",
            {"next": cursor.retry_round + 1, "seen": cursor.retry_round, "none": "", "no": False},
            condition="#round = :seen",
        )
        tally = self._ledger.tally(spec.lookup_id)
        places, begun = self._ledger.start_actions(spec, max(1, tally.counts.failed if tally else 1), most=most)
        actions = [
            self._again(spec),
            next_round,
            # Until its earlier end is published, the lookup is among those that have not ended.
            self._table.put(unfinished_item(spec), absent=True),
            *places,
            *self._charge_actions(spec, reserved.charge),
        ]
        return self._table.try_write_with(actions, [begun, *reserved.reservations])

    def finish(self, progress: LookupRecord) -> bool:
        """Mark a fully counted lookup as completed, or a cancelled one as ended: True for exactly one caller.

        False also when something was claimed or fed, or a retry has begun, since it was read. The same write corrects
        the charged users of the day.
        """
        spec, cursor = progress.spec, progress.cursor
        as_read = self._table.check(
            lookup_key(spec.lookup_id, "cursor"),
            "attribute_not_exists(#claim_token) AND #parts_fed = :fed AND #round = :round",
            {"fed": cursor.parts_fed, "round": cursor.retry_round},
        )
        to = CANCELLED if progress.state is CANCELLED else COMPLETED
        ended = self._transition(spec, to, progress.state, ended=True)
        if to is CANCELLED:
            ended["Update"]["ConditionExpression"] += " AND attribute_not_exists(#finished_at)"
        running = [self._shares.update_share(spec, {"running": -1})] if progress.state is ACTIVE else []
        return self._write(spec, [ended, as_read, *self._settle_actions(progress)], lambda _: running)

    def _settle_actions(self, progress: LookupRecord) -> list[Action]:
        """Return the actions that correct the partner's charge; a retry was charged with the first round."""
        charged, counts = progress.spec.charged, progress.tally.counts
        if charged is None or charged.users is None or progress.cursor.retry_round:
            return []
        more = max(LEAST_CHARGE, counts.requested - counts.invalid) - charged.users
        if not more:
            return []
        key, expires = usage_key(progress.spec.partner, charged.day), int(self._table.clock()) + RETENTION_SECONDS
        change = "SET #expires_at = :expires ADD #users :more"
        # A lookup that was resumed since may have been charged to another day.
        spec_key, seen = lookup_key(progress.spec.lookup_id, "spec"), {"day": charged.day}
        return [
            self._table.update(key, change, {"more": more, "expires": expires}),
            self._table.check(spec_key, "#charged_on = :day", seen),
        ]

    def deactivate(self, record: LookupRecord) -> bool:
        """Remove a lookup from those that have not ended, once this end is published."""
        spec = record.spec
        same_end = self._table.check(
            lookup_key(spec.lookup_id, "state"), "#finished_at = :told", {"told": record.finished_at}
        )
        forgotten = self._table.delete(unfinished_key(spec.workspace, spec.lookup_id))
        forgotten["Delete"] |= {
            "ConditionExpression": "attribute_exists(#pk)",
            "ExpressionAttributeNames": {"#pk": "pk"},
        }
        return self._table.try_write(
            same_end,
            forgotten,
            self._shares.update_share(spec, {"unfinished": -1}),
            self._table.delete(sweep_key(spec.workspace, spec.lookup_id)),
        )

    def _again(self, spec: LookupSpec) -> Action:
        return self._table.update(
            lookup_key(spec.lookup_id, "state"),
            "SET #is = :to REMOVE #finished_at",
            {"to": ACTIVE.value, "was": COMPLETED.value, "oldest": self._table.clock() - PARTS_SECONDS},
            condition="#is = :was AND #finished_at > :oldest",
        )

    def _transition(self, spec: LookupSpec, to: LookupState, was: LookupState, *, ended: bool = False) -> Action:
        return self._table.update(
            lookup_key(spec.lookup_id, "state"),
            "SET #is = :to, #finished_at = :now" if ended else "SET #is = :to REMOVE #finished_at",
            {"to": to.value, "was": was.value} | ({"now": self._table.clock()} if ended else {}),
            condition="#is = :was",
        )
