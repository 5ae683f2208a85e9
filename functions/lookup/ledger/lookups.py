"""The ledger of lookups: submitted once, seen by their partner, counted in its share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookup.aws.dynamodb import ConditionsFailed
from lookup.errors import LimitExceeded
from lookup.ledger.items import (
    Item,
    charge_facts,
    cursor_facts,
    deserialize,
    lookup_key,
    partner_key,
    read_cursor,
    read_spec,
    read_tally,
    roster_facts,
    sent_key,
    serialize,
    spec_item,
    unfinished_item,
)
from lookup.ledger.model import (
    KEPT_SECONDS,
    CompletedParts,
    Cursor,
    LookupRecord,
    LookupSpec,
    LookupState,
    LookupSummary,
    Reservation,
    Reserved,
    Roster,
)
from lookup.ledger.shares import ShareLedger
from lookup.ledger.table import LedgerTable

FACTS = ("spec", "state", "cursor", "counts")
AT_ONCE = 25  # lookups of one batch read: four keys each, of a hundred


@dataclass(frozen=True, slots=True)
class OnQueue:
    """What of a workspace is out: `users` that MoEngage is asked for, and entries that are `unusable`.

    `claimed` is room for entries that feeders are just sending.
    """

    users: int = 0
    unusable: int = 0
    claimed: int = 0

    @property
    def entries(self) -> int:
        """How much room that takes: unusable entries keep workers busy too."""
        return self.users + self.unusable + self.claimed


class LookupLedger:
    """Lookups as they are submitted and seen."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table
        self.shares = ShareLedger(table)

    def submit(self, spec: LookupSpec, reservations: Sequence[Reservation] = (), *, most: int | None = None) -> bool:
        """Write a new lookup down, and with it what it reserves; False when one of its id is there already.

        Raises the refusal of a reservation that cannot be made, and `LimitExceeded` when its partner has `most` lookups
        in the workspace that have not ended; then nothing is written.
        """
        expires = serialize({"expires_at": int(spec.submitted_at) + KEPT_SECONDS})
        items = [
            spec_item(spec),
            lookup_key(spec.lookup_id, "state") | serialize({"is": LookupState.ACTIVE.value}),
            lookup_key(spec.lookup_id, "cursor") | serialize(cursor_facts(Cursor())),
            partner_key(spec) | serialize({"lookup_id": spec.lookup_id}),
        ]
        actions = [self._table.put(item | expires, absent=True) for item in items]
        actions.append(self._table.put(unfinished_item(spec), absent=True))
        place, begun = self.begun(spec, _fresh(spec).left, most=most)
        return self._table.written_with([*actions, *place], [begun, *reservations])

    def begun(self, spec: LookupSpec, left: int, *, most: int | None) -> tuple[list[dict[str, Any]], Reservation]:
        """Make what a lookup that begins needs: its place, and what counts it in its partner's share.

        One whose roster is to be converted gets its place then.
        """
        gains, place = {"unfinished": 1, "running": 1}, list[dict[str, Any]]()
        if not spec.roster.needs_conversion:
            gains |= {"ready": 1, "users": left}
            place = [self.shares.entering(spec, left)]
        limit = {} if most is None else {"most": most}
        condition = None if most is None else "attribute_not_exists(#unfinished) OR #unfinished < :most"
        counted = self.shares.changed(spec, gains, settings={"weight": spec.weight}, condition=condition, seen=limit)
        return place, Reservation(counted, lambda: LimitExceeded("lookups", most or 0))

    def of_partner(self, partner: str, *, after: str = "", limit: int = 100) -> list[tuple[str, str]]:
        """Read a page of a partner's lookups, newest first, as pairs of a page mark and a lookup id."""
        items = self._table.query(f"partner#{partner}", after=after, newest_first=True, limit=limit)
        return [(facts["sk"], facts["lookup_id"]) for facts in map(deserialize, items)]

    def progress(self, lookup_id: str) -> LookupRecord | None:
        """Read a lookup as it stands; None when there is none of this id."""
        return next(iter(self.progress_of([lookup_id])), None)

    def progress_of(self, lookup_ids: Sequence[str]) -> list[LookupRecord]:
        """Read several lookups, in the order asked, those that exist."""
        found: list[LookupRecord | None] = []
        for start in range(0, len(lookup_ids), AT_ONCE):
            of_id = self._facts_of(lookup_ids[start : start + AT_ONCE], FACTS)
            found += map(_progress, of_id.values())
        return [progress for progress in found if progress is not None]

    def tally(self, lookup_id: str) -> CompletedParts | None:
        """Read the counts alone; None when nothing is counted under this id."""
        items = self._table.read([lookup_key(lookup_id, "counts")])
        return read_tally(items[0]) if items else None

    def glances(self, lookup_ids: Sequence[str]) -> list[LookupSummary]:
        """Read how several lookups stand, without what was asked for; those that exist."""
        found: list[LookupSummary | None] = []
        for start in range(0, len(lookup_ids), AT_ONCE):
            of_id = self._facts_of(lookup_ids[start : start + AT_ONCE], FACTS[1:])
            found += [_glance(name, items) for name, items in of_id.items()]
        return [glance for glance in found if glance is not None]

    def _facts_of(self, lookup_ids: Sequence[str], facts: Sequence[str]) -> dict[str, dict[str, Item]]:
        items = self._table.read([lookup_key(one, fact) for one in lookup_ids for fact in facts])
        of_id: dict[str, dict[str, Item]] = {one: {} for one in lookup_ids}
        for item in items:
            of_id[item["pk"]["S"].removeprefix("lookup#")][item["sk"]["S"]] = item
        return of_id

    def repinned(self, spec: LookupSpec, roster: Roster, reserved: Reserved | None = None) -> bool:
        """Let a lookup read its roster as it was converted from now on, charged as is `reserved`, if that is said.

        It can be fed then if it is active. Only the first conversion counts: False when there was one, or when it was
        charged otherwise since it was read. Raises the refusal of what cannot be reserved.
        """
        reservations = reserved.reservations if reserved is not None else ()
        update = self._converted(spec, roster, reserved)
        while (progress := self.progress(spec.lookup_id)) is not None:
            actions = [*(one.action for one in reservations), *self._entered(progress, roster)]
            try:
                self._table.write(update, *actions)
            except ConditionsFailed as failure:
                first = min(failure.indexes)
                if first == 0:
                    return False
                if first <= len(reservations):
                    raise reservations[first - 1].refusal() from None
            else:
                return True
        return False

    def _converted(self, spec: LookupSpec, roster: Roster, reserved: Reserved | None) -> dict[str, Any]:
        facts = {name: value for name, value in roster_facts(roster).items() if value is not None}
        condition, seen = "(#roster_gzipped = :packed OR attribute_exists(#roster_counted))", dict[str, object]()
        if reserved is not None and reserved.charge is not None and spec.charged is not None:
            facts |= charge_facts(reserved.charge)
            condition += " AND #charged_users = :seen_users AND #charged_on = :seen_on"
            seen = {"seen_users": spec.charged.users, "seen_on": spec.charged.day}
        facts |= {"due_at": spec.turn}
        return self._table.update(
            lookup_key(spec.lookup_id, "spec"),
            "SET " + ", ".join(f"#{name} = :{name}" for name in facts) + " REMOVE #roster_counted",
            facts | seen | {"packed": True},
            condition=condition,
        )

    def _entered(self, progress: LookupRecord, roster: Roster) -> list[dict[str, Any]]:
        """Make the actions that let a lookup be fed once its roster is converted, if its state is as it was read."""
        spec = replace(progress.spec, roster=roster, due_at=progress.spec.turn)
        state = lookup_key(spec.lookup_id, "state")
        same = self._table.check(state, "#is = :was", {"was": progress.state.value})
        fed = replace(progress, spec=spec)
        if not fed.is_ready:
            return [same]
        counted = self.shares.changed(spec, {"ready": 1, "users": fed.left})
        return [same, counted, self.shares.entering(spec, fed.left)]

    def note_firing(self, schedule: str, facts: Mapping[str, object]) -> None:
        """Keep what a schedule's last firing led to, beside what is kept already."""
        key = serialize({"pk": f"schedule#{schedule}", "sk": "last"})
        self._table.write(self._table.update(key, "SET " + ", ".join(f"#{name} = :{name}" for name in facts), facts))

    def last_firing(self, schedule: str) -> dict[str, Any]:
        """Read a schedule's last `lookup_id`, and of its last skipped firing `skipped_at` and `skipped_because`."""
        items = self._table.read([serialize({"pk": f"schedule#{schedule}", "sk": "last"})])
        return deserialize(items[0]) if items else {}

    def sent(self, workspace: str) -> OnQueue:
        """Return what of a workspace is on the parts queue, or with a worker."""
        items = self._table.read([sent_key(workspace)])
        return _on_queue(items[0]) if items else OnQueue()

    def to_feed(self, workspace: str, lookup_id: str) -> tuple[LookupRecord | None, OnQueue]:
        """Read a lookup as it stands, and what of its workspace is out, at once."""
        items = self._table.read([sent_key(workspace), *(lookup_key(lookup_id, fact) for fact in FACTS)])
        facts = {item["sk"]["S"]: item for item in items}
        return _progress(facts), _on_queue(facts["sent"]) if "sent" in facts else OnQueue()


def _on_queue(item: Mapping[str, Item]) -> OnQueue:
    facts = deserialize(item)
    return OnQueue(*(int(facts.get(name, 0)) for name in ("users", "unusable", "claimed")))


def _fresh(spec: LookupSpec) -> LookupRecord:
    return LookupRecord(spec, LookupState.ACTIVE, Cursor(), CompletedParts())


def _glance(lookup_id: str, items: Mapping[str, Item]) -> LookupSummary | None:
    if not {"state", "cursor"} <= set(items):
        return None
    state = deserialize(items["state"])
    return LookupSummary(
        lookup_id,
        LookupState(state["is"]),
        read_cursor(items["cursor"]),
        read_tally(items["counts"]) if "counts" in items else CompletedParts(),
        float(state["finished_at"]) if "finished_at" in state else None,
    )


def _progress(items: Mapping[str, Item]) -> LookupRecord | None:
    if not {"spec", "state", "cursor"} <= set(items):
        return None
    state = deserialize(items["state"])
    return LookupRecord(
        spec=read_spec(items["spec"]),
        state=LookupState(state["is"]),
        cursor=read_cursor(items["cursor"]),
        tally=read_tally(items["counts"]) if "counts" in items else CompletedParts(),
        finished_at=float(state["finished_at"]) if "finished_at" in state else None,
        ended_because=state.get("ended_because"),
    )
