"""The ledger of lookups: submitted once, seen by their partner, chosen from by the feeder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookup.ledger_items import (
    Item,
    active_key,
    charge_facts,
    cursor_facts,
    lookup_key,
    partner_key,
    plain,
    read_cursor,
    read_spec,
    read_tally,
    roster_facts,
    sent_key,
    spec_item,
    typed,
)
from lookup.ledger_table import LedgerTable
from lookup.lookup_model import KEPT_SECONDS, Cursor, LookupSpec, LookupState, Progress, Roster, Tally
from lookup.reservation import Reservation, Reserved

FACTS = ("spec", "state", "cursor", "counts")
AT_ONCE = 25  # lookups of one batch read: four keys each, of a hundred


@dataclass(frozen=True, slots=True)
class Active:
    """A lookup that has not ended.

    Of the `choosable` ones the feeder takes the smallest `tag`: the users it was fed, over its share.
    """

    lookup_id: str
    partner: str
    weight: int
    tag: float
    submitted_at: float
    choosable: bool


class Ledger:
    """Lookups as they are submitted and seen."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def submit(self, spec: LookupSpec, reservations: Sequence[Reservation] = ()) -> bool:
        """Write a new lookup down, and with it what it reserves; False when one of its id is there already.

        Raises the refusal of a reservation that cannot be made; then nothing is written.
        """
        expires = typed({"expires_at": int(spec.submitted_at) + KEPT_SECONDS})
        key = lookup_key(spec.lookup_id, "state")
        items = [
            spec_item(spec),
            key | typed({"is": LookupState.ACTIVE.value}),
            lookup_key(spec.lookup_id, "cursor") | typed(cursor_facts(Cursor())),
            partner_key(spec) | typed({"lookup_id": spec.lookup_id}),
            self.active_item(spec),
        ]
        return self._table.written_with([self._table.put(item | expires, absent=True) for item in items], reservations)

    def active_item(self, spec: LookupSpec, *, choosable: bool = True) -> Item:
        """Let a lookup join where the others are, so that it neither waits for them nor they for it."""
        tags = [one.tag for one in self.actives(spec.workspace) if one.choosable]
        facts = {
            "partner": spec.partner,
            "weight": spec.weight,
            "submitted_at": spec.submitted_at,
            "tag": min(tags, default=0.0),
            "choosable": choosable,
        }
        return active_key(spec.workspace, spec.lookup_id) | typed(facts)

    def actives(self, workspace: str) -> list[Active]:
        """Read the lookups of a workspace that have not ended."""
        return [_active(item) for item in self._table.query(f"active#{workspace}")]

    def of_partner(self, partner: str, *, after: str = "", limit: int = 100) -> list[tuple[str, str]]:
        """Read a page of a partner's lookups, newest first, as pairs of a page mark and a lookup id."""
        items = self._table.query(f"partner#{partner}", after=after, newest_first=True, limit=limit)
        return [(facts["sk"], facts["lookup_id"]) for facts in map(plain, items)]

    def progress(self, lookup_id: str) -> Progress | None:
        """Read a lookup as it stands; None when there is none of this id."""
        return next(iter(self.progress_of([lookup_id])), None)

    def progress_of(self, lookup_ids: Sequence[str]) -> list[Progress]:
        """Read several lookups, in the order asked, those that exist."""
        found: list[Progress | None] = []
        for start in range(0, len(lookup_ids), AT_ONCE):
            ids = lookup_ids[start : start + AT_ONCE]
            items = self._table.read([lookup_key(one, fact) for one in ids for fact in FACTS])
            of_id: dict[str, dict[str, Item]] = {one: {} for one in ids}
            for item in items:
                of_id[item["pk"]["S"].removeprefix("lookup#")][item["sk"]["S"]] = item
            found += [_progress(of_id[one]) for one in ids]
        return [progress for progress in found if progress is not None]

    def tally(self, lookup_id: str) -> Tally | None:
        """Read the counts alone; None when nothing is counted under this id."""
        items = self._table.read([lookup_key(lookup_id, "counts")])
        return read_tally(items[0]) if items else None

    def repinned(self, spec: LookupSpec, roster: Roster, reserved: Reserved | None = None) -> bool:
        """Let a lookup read its roster as it was converted from now on, charged as is `reserved`, if that is said.

        Only the first conversion counts: False when there was one, or when it was charged otherwise since it was read.
        Raises the refusal of what cannot be reserved.
        """
        facts = {name: value for name, value in roster_facts(roster).items() if value is not None}
        condition, seen = "(#roster_gzipped = :packed OR attribute_exists(#roster_counted))", dict[str, object]()
        if reserved is not None and reserved.charge is not None and spec.charged is not None:
            facts |= charge_facts(reserved.charge)
            condition += " AND #charged_users = :seen_users AND #charged_on = :seen_on"
            seen = {"seen_users": spec.charged.users, "seen_on": spec.charged.day}
        update = self._table.update(
            lookup_key(spec.lookup_id, "spec"),
            "SET " + ", ".join(f"#{name} = :{name}" for name in facts) + " REMOVE #roster_counted",
            facts | seen | {"packed": True},
            condition=condition,
        )
        return self._table.written_with([update], reserved.reservations if reserved is not None else ())

    def note_firing(self, schedule: str, facts: Mapping[str, object]) -> None:
        """Keep what a schedule's last firing led to, beside what is kept already."""
        key = typed({"pk": f"schedule#{schedule}", "sk": "last"})
        self._table.write(self._table.update(key, "SET " + ", ".join(f"#{name} = :{name}" for name in facts), facts))

    def last_firing(self, schedule: str) -> dict[str, Any]:
        """Read a schedule's last `lookup_id`, and of its last skipped firing `skipped_at` and `skipped_because`."""
        items = self._table.read([typed({"pk": f"schedule#{schedule}", "sk": "last"})])
        return plain(items[0]) if items else {}

    def users_sent(self, workspace: str) -> int:
        """Tell how many users of a workspace are on the parts queue, or with a worker."""
        items = self._table.read([sent_key(workspace)])
        return int(plain(items[0])["users"]) if items else 0


def _active(item: Mapping[str, Any]) -> Active:
    facts = plain(item)
    return Active(
        lookup_id=facts["sk"],
        partner=facts["partner"],
        weight=int(facts["weight"]),
        tag=float(facts["tag"]),
        submitted_at=float(facts["submitted_at"]),
        choosable=facts["choosable"],
    )


def _progress(items: Mapping[str, Item]) -> Progress | None:
    if not {"spec", "state", "cursor"} <= set(items):
        return None
    state = plain(items["state"])
    return Progress(
        spec=read_spec(items["spec"]),
        state=LookupState(state["is"]),
        cursor=read_cursor(items["cursor"]),
        tally=read_tally(items["counts"]) if "counts" in items else Tally(),
        finished_at=float(state["finished_at"]) if "finished_at" in state else None,
        ended_because=state.get("ended_because"),
    )
