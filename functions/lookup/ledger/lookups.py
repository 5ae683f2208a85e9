"""Lookups in the ledger: submitted once, listed by partner, counted in its share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    queued_key,
    read_cursor,
    read_spec,
    read_tally,
    roster_facts,
    serialize,
    spec_item,
    unfinished_item,
)
from lookup.ledger.model import (
    RETENTION_SECONDS,
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
LOOKUPS_PER_READ = 25  # lookups of one batch read: four keys each, of a hundred
STATES_PER_READ, STATES_PER_PAGE = 100, 500  # lookups whose state is looked at, to find those of one state

# Reads a page of lookups after a mark, so many at most, as pairs of a page mark and a lookup id.
Listed = Callable[[str, int], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class InFlight:
    """The entries of a workspace in flight: `users` to request of MoEngage, and `unusable` entries.

    `claimed` counts entries that feeders are just sending.
    """

    users: int = 0
    unusable: int = 0
    claimed: int = 0

    @property
    def entries(self) -> int:
        """The sum: unusable entries occupy workers too."""
        return self.users + self.unusable + self.claimed


class LookupLedger:
    """Lookups as submitted and read."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table
        self.shares = ShareLedger(table)

    def submit(self, spec: LookupSpec, reservations: Sequence[Reservation] = (), *, most: int | None = None) -> bool:
        """Write a new lookup together with its reservations. Return False when its id exists.

        Raises the refusal of a reservation that cannot be made, and `LimitExceeded` when its partner has `most` lookups
        in the workspace that have not ended; then nothing is written.
        """
        expires = serialize({"expires_at": int(spec.submitted_at) + RETENTION_SECONDS})
        items = [
            spec_item(spec),
            lookup_key(spec.lookup_id, "state") | serialize({"is": LookupState.ACTIVE.value}),
            lookup_key(spec.lookup_id, "cursor") | serialize(cursor_facts(Cursor())),
            partner_key(spec) | serialize({"lookup_id": spec.lookup_id}),
        ]
        actions = [self._table.put(item | expires, absent=True) for item in items]
        actions.append(self._table.put(unfinished_item(spec), absent=True))
        place, start_actions = self.start_actions(spec, _new_record(spec).left, most=most)
        return self._table.try_write_with([*actions, *place], [start_actions, *reservations])

    def start_actions(
        self, spec: LookupSpec, left: int, *, most: int | None
    ) -> tuple[list[dict[str, Any]], Reservation]:
        """Return the actions of a lookup that begins: its ready entry, and its count in its partner's share.

        One whose roster needs a conversion gets its ready entry then.
        """
        gains, place = {"unfinished": 1, "running": 1}, list[dict[str, Any]]()
        if not spec.roster.needs_conversion:
            gains |= {"ready": 1, "users": left}
            place = [self.shares.add_ready(spec, left)]
        limit = {} if most is None else {"most": most}
        condition = None if most is None else "attribute_not_exists(#unfinished) OR #unfinished < :most"
        weight = {"weight": spec.weight}
        counted = self.shares.update_share(spec, gains, settings=weight, condition=condition, seen=limit)
        return place, Reservation(counted, lambda: LimitExceeded("lookups", most or 0))

    def of_partner(self, partner: str, *, after: str = "", limit: int = 100) -> list[tuple[str, str]]:
        """Read a page of a partner's lookups, newest first, as pairs of a page mark and a lookup id."""
        items = self._table.query(f"partner#{partner}", after=after, newest_first=True, limit=limit)
        return [(facts["sk"], facts["lookup_id"]) for facts in map(deserialize, items)]

    def unfinished(self, workspace: str, *, after: str = "", limit: int = 100) -> list[tuple[str, str]]:
        """Read a page of a workspace's lookups that have not ended, as `of_partner` does, by their ids."""
        items = self._table.query(f"unfinished#{workspace}", after=after, limit=limit)
        return [(facts["sk"], facts["sk"]) for facts in map(deserialize, items)]

    def page(
        self, read: Listed, *, state: LookupState | None, after: str, limit: int
    ) -> tuple[list[LookupRecord], str | None]:
        """Read a page of what `read` lists, of one state or of all, and the mark of the next page.

        Of one state, 500 are looked at for a page at most: it may hold fewer than `limit`, or none, and have a next.
        """
        if state is None:
            listed = read(after, limit)
            mark = listed[-1][0] if len(listed) == limit else None
            return self.get_many([lookup_id for _, lookup_id in listed]), mark
        found, end = self._of_state(read, state, after=after, limit=limit)
        return [one for one in self.get_many(found) if one.state is state], end

    def _of_state(self, read: Listed, state: LookupState, *, after: str, limit: int) -> tuple[list[str], str | None]:
        found, mark = list[str](), after
        for _ in range(STATES_PER_PAGE // STATES_PER_READ):
            listed = read(mark, STATES_PER_READ)
            states = self._states([lookup_id for _, lookup_id in listed])
            for mark, lookup_id in listed:
                if states.get(lookup_id) is state:
                    found.append(lookup_id)
                if len(found) == limit:
                    return found, mark
            if len(listed) < STATES_PER_READ:
                return found, None
        return found, mark

    def _states(self, lookup_ids: Sequence[str]) -> dict[str, LookupState]:
        items = self._table.read([lookup_key(one, "state") for one in lookup_ids])
        return {item["pk"]["S"].removeprefix("lookup#"): LookupState(item["is"]["S"]) for item in items}

    def get(self, lookup_id: str) -> LookupRecord | None:
        """Read a lookup; None when there is none of this id."""
        return next(iter(self.get_many([lookup_id])), None)

    def get_many(self, lookup_ids: Sequence[str]) -> list[LookupRecord]:
        """Read several lookups in the given order, those that exist."""
        found: list[LookupRecord | None] = []
        for start in range(0, len(lookup_ids), LOOKUPS_PER_READ):
            of_id = self._facts_of(lookup_ids[start : start + LOOKUPS_PER_READ], FACTS)
            found += map(_record, of_id.values())
        return [progress for progress in found if progress is not None]

    def tally(self, lookup_id: str) -> CompletedParts | None:
        """Read the counts of a lookup alone; None when there are none."""
        items = self._table.read([lookup_key(lookup_id, "counts")])
        return read_tally(items[0]) if items else None

    def summaries(self, lookup_ids: Sequence[str]) -> list[LookupSummary]:
        """Read several lookups without their requests, those that exist."""
        found: list[LookupSummary | None] = []
        for start in range(0, len(lookup_ids), LOOKUPS_PER_READ):
            of_id = self._facts_of(lookup_ids[start : start + LOOKUPS_PER_READ], FACTS[1:])
            found += [_summary(name, items) for name, items in of_id.items()]
        return [summary for summary in found if summary is not None]

    def _facts_of(self, lookup_ids: Sequence[str], facts: Sequence[str]) -> dict[str, dict[str, Item]]:
        items = self._table.read([lookup_key(one, fact) for one in lookup_ids for fact in facts])
        of_id: dict[str, dict[str, Item]] = {one: {} for one in lookup_ids}
        for item in items:
            of_id[item["pk"]["S"].removeprefix("lookup#")][item["sk"]["S"]] = item
        return of_id

    def use_converted_roster(self, spec: LookupSpec, roster: Roster, reserved: Reserved | None = None) -> bool:
        """Make a lookup use its converted roster, with the charge that is `reserved`, if any; an active one can be fed.

        Only the first conversion counts: return False when there was one, or when the charge has changed since it was
        read. Raises the refusal of a reservation.
        """
        reservations = reserved.reservations if reserved is not None else ()
        update = self._conversion_action(spec, roster, reserved)
        while (progress := self.get(spec.lookup_id)) is not None:
            actions = [*(one.action for one in reservations), *self._ready_actions(progress, roster)]
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

    def _conversion_action(self, spec: LookupSpec, roster: Roster, reserved: Reserved | None) -> dict[str, Any]:
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

    def _ready_actions(self, progress: LookupRecord, roster: Roster) -> list[dict[str, Any]]:
        """Return the actions that make a converted lookup ready to feed, if its state is unchanged."""
        spec = replace(progress.spec, roster=roster, due_at=progress.spec.turn)
        state = lookup_key(spec.lookup_id, "state")
        same = self._table.check(state, "#is = :was", {"was": progress.state.value})
        fed = replace(progress, spec=spec)
        if not fed.is_ready:
            return [same]
        counted = self.shares.update_share(spec, {"ready": 1, "users": fed.left})
        return [same, counted, self.shares.add_ready(spec, fed.left)]

    def record_firing(self, schedule: str, facts: Mapping[str, object]) -> None:
        """Record the result of a schedule's last firing; other facts are kept."""
        key = serialize({"pk": f"schedule#{schedule}", "sk": "last"})
        self._table.write(self._table.update(key, "SET " + ", ".join(f"#{name} = :{name}" for name in facts), facts))

    def last_firing(self, schedule: str) -> dict[str, Any]:
        """Read a schedule's last `lookup_id`, and of its last skipped firing `skipped_at` and `skipped_because`."""
        items = self._table.read([serialize({"pk": f"schedule#{schedule}", "sk": "last"})])
        return deserialize(items[0]) if items else {}

    def in_flight(self, workspace: str) -> InFlight:
        """Return the entries of a workspace that are on the parts queue or being processed."""
        items = self._table.read([queued_key(workspace)])
        return _in_flight(items[0]) if items else InFlight()

    def to_feed(self, workspace: str, lookup_id: str) -> tuple[LookupRecord | None, InFlight]:
        """Read a lookup and its workspace's entries in flight, in one request."""
        items = self._table.read([queued_key(workspace), *(lookup_key(lookup_id, fact) for fact in FACTS)])
        facts = {item["sk"]["S"]: item for item in items}
        return _record(facts), _in_flight(facts["sent"]) if "sent" in facts else InFlight()


def _in_flight(item: Mapping[str, Item]) -> InFlight:
    facts = deserialize(item)
    return InFlight(*(int(facts.get(name, 0)) for name in ("users", "unusable", "claimed")))


def _new_record(spec: LookupSpec) -> LookupRecord:
    return LookupRecord(spec, LookupState.ACTIVE, Cursor(), CompletedParts())


def _summary(lookup_id: str, items: Mapping[str, Item]) -> LookupSummary | None:
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


def _record(items: Mapping[str, Item]) -> LookupRecord | None:
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
