"""What the minute's sweep reads and writes: a bounded page of each index, from where the last sweep ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookup.ledger.items import deserialize, look_key, lookup_key, out_key, sent_key, serialize, unfinished_item
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec, LookupState
from lookup.ledger.table import LedgerTable

LOOKS = 50  # lookups that one sweep looks at
AGES = 100  # unfinished lookups whose age one sweep looks at
COUNTED = ("users", "unusable", "claimed")


@dataclass(frozen=True, slots=True)
class Swept:
    """How far earlier sweeps have come: a lookup id, empty at the beginning. `on_queue` is what is counted as out."""

    looked_at: str
    aged_at: str
    on_queue: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Look:
    """A lookup to look at, and since when."""

    lookup_id: str
    noted_at: Any  # as DynamoDB wrote it


@dataclass(frozen=True, slots=True)
class Aged:
    """A lookup that has not ended, and when it was submitted (epoch seconds)."""

    lookup_id: str
    submitted_at: float


class SweepLedger:
    """The sweep's side of the ledger."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def swept(self, workspace: str) -> Swept:
        """Read how far earlier sweeps have come."""
        items = self._table.read([_swept_key(workspace), sent_key(workspace)])
        facts = {str(deserialize(item)["sk"]): deserialize(item) for item in items}
        mark, out = facts.get("swept", {}), facts.get("sent", {})
        counted = {name: int(out.get(name, 0)) for name in COUNTED}
        return Swept(mark.get("looked_at", ""), mark.get("aged_at", ""), counted)

    def go_on_from(self, workspace: str, *, looked_at: str, aged_at: str) -> None:
        """Keep where the next sweep begins."""
        marks = {"looked_at": looked_at, "aged_at": aged_at}
        self._table.write(self._table.put(_swept_key(workspace) | serialize(marks)))

    def looks(self, workspace: str, after: str) -> list[Look]:
        """Read a page of the lookups to look at."""
        items = self._table.query(f"look#{workspace}", after=after, limit=LOOKS)
        return [Look(facts["sk"], facts["noted_at"]) for facts in map(deserialize, items)]

    def ages(self, workspace: str, after: str) -> list[Aged]:
        """Read a page of the lookups that have not ended."""
        items = self._table.query(f"unfinished#{workspace}", after=after, limit=AGES)
        return [Aged(facts["sk"], float(facts["submitted_at"])) for facts in map(deserialize, items)]

    def seen(self, workspace: str, looks: Sequence[Look]) -> bool:
        """Forget lookups that need no look; False when one was noted again since: then they are looked at again."""
        return not looks or self._table.written(*(self._forgotten(workspace, one) for one in looks))

    def _forgotten(self, workspace: str, look: Look) -> dict[str, Any]:
        action = self._table.delete(look_key(workspace, look.lookup_id))
        action["Delete"] |= {
            "ConditionExpression": "#noted_at = :seen",
            "ExpressionAttributeNames": {"#noted_at": "noted_at"},
            "ExpressionAttributeValues": serialize({":seen": look.noted_at}),
        }
        return action

    def nothing_out(self, workspace: str, counted: Mapping[str, int]) -> bool:
        """Count nothing as out where nothing is, unless something was counted or claimed since `counted` was read.

        Parts of an earlier release were counted otherwise when they were sent than when they came in.
        """
        same = " AND ".join(
            f"#{name} = :{name}" if counted[name] else f"(#{name} = :{name} OR attribute_not_exists(#{name}))"
            for name in COUNTED
        )
        known = {**counted, "claimed": 0}  # what a feeder is just sending is not among the parts that are out yet
        change = "SET #users = :zero, #unusable = :zero"
        return self._table.update_now(sent_key(workspace), change, {**known, "zero": 0}, condition=same) is not None


def _swept_key(workspace: str) -> dict[str, Any]:
    return serialize({"pk": f"feeder#{workspace}", "sk": "swept"})


TOGETHER = 40  # parts moved in one transaction: two actions each, of a hundred


class Adoption:
    """Takes over what an earlier release wrote."""

    def __init__(self, table: LedgerTable, ledger: LookupLedger) -> None:
        self._table = table
        self._ledger = ledger

    def old(self, workspace: str, *, limit: int) -> list[str]:
        """Read the ids of lookups that have the old shape."""
        return [str(deserialize(item)["sk"]) for item in self._table.query(f"active#{workspace}", limit=limit)]

    def adopt(self, spec: LookupSpec) -> bool:
        """Bring a lookup into the new shape; True when it has it now, False when it never had the old one."""
        if not self._table.read([_old_key(spec.workspace, spec.lookup_id)]):
            return False
        return self.adopt_named(spec.workspace, spec.lookup_id)

    def adopt_named(self, workspace: str, lookup_id: str) -> bool:
        """Bring a lookup into the new shape, as it stands; one that has expired is forgotten."""
        progress = self._ledger.progress(lookup_id)
        if progress is None:
            self._table.write(self._table.delete(_old_key(workspace, lookup_id)))
            return False
        self._move_parts(progress.spec)
        return self._table.written(*self._adopting(progress))

    def _move_parts(self, spec: LookupSpec) -> None:
        old = self._table.query(f"lookup#{spec.lookup_id}", prefix="sent#")
        for start in range(0, len(old), TOGETHER):
            some = old[start : start + TOGETHER]
            new = [item | out_key(spec.workspace, spec.lookup_id, _number(item)) for item in some]
            removed = [self._table.delete(lookup_key(spec.lookup_id, item["sk"]["S"])) for item in some]
            self._table.write(*(self._table.put(item) for item in new), *removed)

    def _adopting(self, progress: LookupRecord) -> list[dict[str, Any]]:
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
                {"fed": cursor.parts_fed, "round": cursor.round, "exhausted": cursor.exhausted},
            ),
            shares.changed(spec, gains, settings={"weight": spec.weight}),
            shares.entering(spec, progress.left) if progress.is_ready else shares.look(spec),
        ]


def _number(item: dict[str, Any]) -> str:
    return str(item["sk"]["S"]).removeprefix("sent#")


def _old_key(workspace: str, lookup_id: str) -> dict[str, Any]:
    return serialize({"pk": f"active#{workspace}", "sk": lookup_id})
