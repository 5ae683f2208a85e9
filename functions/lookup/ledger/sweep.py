"""The minute's sweep in the ledger: a bounded page of each index, from where the last sweep ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookup.ledger.items import (
    deserialize,
    in_flight_key,
    lookup_key,
    queued_key,
    serialize,
    sweep_key,
    unfinished_item,
)
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec, LookupState
from lookup.ledger.table import LedgerTable

ENTRY_PAGE = 50  # lookups that one sweep checks
UNFINISHED_PAGE = 100  # unfinished lookups whose age one sweep checks
COUNTED = ("users", "unusable", "claimed")


@dataclass(frozen=True, slots=True)
class SweepPosition:
    """The lookup ids at which earlier sweeps ended, empty at the beginning, and the counts in flight (`on_queue`)."""

    looked_at: str
    aged_at: str
    on_queue: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SweepEntry:
    """A lookup to check, and since when."""

    lookup_id: str
    noted_at: Any  # as DynamoDB wrote it


@dataclass(frozen=True, slots=True)
class UnfinishedLookup:
    """A lookup that has not ended, and when it was submitted (epoch seconds)."""

    lookup_id: str
    submitted_at: float


class SweepLedger:
    """Reads and writes of the sweep."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def position(self, workspace: str) -> SweepPosition:
        """Read where the last sweep ended."""
        items = self._table.read([_position_key(workspace), queued_key(workspace)])
        facts = {str(deserialize(item)["sk"]): deserialize(item) for item in items}
        mark, out = facts.get("swept", {}), facts.get("sent", {})
        counted = {name: int(out.get(name, 0)) for name in COUNTED}
        return SweepPosition(mark.get("looked_at", ""), mark.get("aged_at", ""), counted)

    def save_position(self, workspace: str, *, looked_at: str, aged_at: str) -> None:
        """Record where the next sweep begins."""
        marks = {"looked_at": looked_at, "aged_at": aged_at}
        self._table.write(self._table.put(_position_key(workspace) | serialize(marks)))

    def entries(self, workspace: str, after: str) -> list[SweepEntry]:
        """Read a page of the lookups to check."""
        items = self._table.query(f"look#{workspace}", after=after, limit=ENTRY_PAGE)
        return [SweepEntry(facts["sk"], facts["noted_at"]) for facts in map(deserialize, items)]

    def unfinished(self, workspace: str, after: str) -> list[UnfinishedLookup]:
        """Read a page of the lookups that have not ended."""
        items = self._table.query(f"unfinished#{workspace}", after=after, limit=UNFINISHED_PAGE)
        return [UnfinishedLookup(facts["sk"], float(facts["submitted_at"])) for facts in map(deserialize, items)]

    def forget(self, workspace: str, entries: Sequence[SweepEntry]) -> bool:
        """Delete entries of checked lookups. Return False, and delete none, when one was marked again since."""
        return not entries or self._table.try_write(*(self._forget_action(workspace, one) for one in entries))

    def _forget_action(self, workspace: str, entry: SweepEntry) -> dict[str, Any]:
        action = self._table.delete(sweep_key(workspace, entry.lookup_id))
        action["Delete"] |= {
            "ConditionExpression": "#noted_at = :seen",
            "ExpressionAttributeNames": {"#noted_at": "noted_at"},
            "ExpressionAttributeValues": serialize({":seen": entry.noted_at}),
        }
        return action

    def reset_in_flight(self, workspace: str, counted: Mapping[str, int]) -> bool:
        """Reset the counts in flight to zero when no part is, if they are unchanged since `counted` was read.

        Parts of an earlier release were counted differently at the start and at the end.
        """
        same = " AND ".join(
            f"#{name} = :{name}" if counted[name] else f"(#{name} = :{name} OR attribute_not_exists(#{name}))"
            for name in COUNTED
        )
        known = {**counted, "claimed": 0}  # what a feeder is just sending is not in flight yet
        change = "SET #users = :zero, #unusable = :zero"
        return self._table.update_item(queued_key(workspace), change, {**known, "zero": 0}, condition=same) is not None


def _position_key(workspace: str) -> dict[str, Any]:
    return serialize({"pk": f"feeder#{workspace}", "sk": "swept"})


PARTS_PER_TRANSACTION = 40  # parts moved in one transaction: two actions each, of a hundred


class Adoption:
    """Migrates lookups that an earlier release wrote."""

    def __init__(self, table: LedgerTable, ledger: LookupLedger) -> None:
        self._table = table
        self._ledger = ledger

    def old_lookups(self, workspace: str, *, limit: int) -> list[str]:
        """Read the ids of lookups in the old format."""
        return [str(deserialize(item)["sk"]) for item in self._table.query(f"active#{workspace}", limit=limit)]

    def adopt(self, spec: LookupSpec) -> bool:
        """Migrate a lookup. Return whether it was in the old format and is migrated."""
        if not self._table.read([_old_key(spec.workspace, spec.lookup_id)]):
            return False
        return self.adopt_named(spec.workspace, spec.lookup_id)

    def adopt_named(self, workspace: str, lookup_id: str) -> bool:
        """Migrate a lookup in its present state; one that has expired is removed."""
        progress = self._ledger.get(lookup_id)
        if progress is None:
            self._table.write(self._table.delete(_old_key(workspace, lookup_id)))
            return False
        self._move_parts(progress.spec)
        return self._table.try_write(*self._adopt_actions(progress))

    def _move_parts(self, spec: LookupSpec) -> None:
        old = self._table.query(f"lookup#{spec.lookup_id}", prefix="sent#")
        for start in range(0, len(old), PARTS_PER_TRANSACTION):
            some = old[start : start + PARTS_PER_TRANSACTION]
            new = [item | in_flight_key(spec.workspace, spec.lookup_id, _number(item)) for item in some]
            removed = [self._table.delete(lookup_key(spec.lookup_id, item["sk"]["S"])) for item in some]
            self._table.write(*(self._table.put(item) for item in new), *removed)

    def _adopt_actions(self, progress: LookupRecord) -> list[dict[str, Any]]:
        spec, cursor, shares = progress.spec, progress.cursor, self._ledger.shares
        gains = {"unfinished": 1} | ({"running": 1} if progress.state is LookupState.ACTIVE else {})
        if progress.is_ready:
            gains |= {"ready": 1, "users": progress.left}
        old = self._table.delete(_old_key(spec.workspace, spec.lookup_id))
        old["Delete"] |= {"ConditionExpression": "attribute_exists(pk)"}
        return [
            old,
            self._table.put(unfinished_item(spec), absent=True),
            self._table.check(lookup_key(spec.lookup_id, "state"), "#is = :was", {"was": progress.state.value}),
            self._table.check(
                lookup_key(spec.lookup_id, "cursor"),
                "#parts_fed = :fed AND #round = :round AND #exhausted = :exhausted",
                {"fed": cursor.parts_fed, "round": cursor.retry_round, "exhausted": cursor.exhausted},
            ),
            shares.update_share(spec, gains, settings={"weight": spec.weight}),
            shares.add_ready(spec, progress.left) if progress.is_ready else shares.mark_for_sweep(spec),
        ]


def _number(item: dict[str, Any]) -> str:
    return str(item["sk"]["S"]).removeprefix("sent#")


def _old_key(workspace: str, lookup_id: str) -> dict[str, Any]:
    return serialize({"pk": f"active#{workspace}", "sk": lookup_id})
