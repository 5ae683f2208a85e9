"""What the minute's sweep reads and writes: a bounded page of each index, from where the last sweep ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookup.ledger.items import look_key, plain, sent_key, typed
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


class LedgerSweep:
    """The sweep's side of the ledger."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def swept(self, workspace: str) -> Swept:
        """Read how far earlier sweeps have come."""
        items = self._table.read([_swept_key(workspace), sent_key(workspace)])
        facts = {str(plain(item)["sk"]): plain(item) for item in items}
        mark, out = facts.get("swept", {}), facts.get("sent", {})
        counted = {name: int(out.get(name, 0)) for name in COUNTED}
        return Swept(mark.get("looked_at", ""), mark.get("aged_at", ""), counted)

    def go_on_from(self, workspace: str, *, looked_at: str, aged_at: str) -> None:
        """Keep where the next sweep begins."""
        marks = {"looked_at": looked_at, "aged_at": aged_at}
        self._table.write(self._table.put(_swept_key(workspace) | typed(marks)))

    def looks(self, workspace: str, after: str) -> list[Look]:
        """Read a page of the lookups to look at."""
        items = self._table.query(f"look#{workspace}", after=after, limit=LOOKS)
        return [Look(facts["sk"], facts["noted_at"]) for facts in map(plain, items)]

    def ages(self, workspace: str, after: str) -> list[Aged]:
        """Read a page of the lookups that have not ended."""
        items = self._table.query(f"unfinished#{workspace}", after=after, limit=AGES)
        return [Aged(facts["sk"], float(facts["submitted_at"])) for facts in map(plain, items)]

    def seen(self, workspace: str, looks: Sequence[Look]) -> bool:
        """Forget lookups that need no look; False when one was noted again since: then they are looked at again."""
        return not looks or self._table.written(*(self._forgotten(workspace, one) for one in looks))

    def _forgotten(self, workspace: str, look: Look) -> dict[str, Any]:
        action = self._table.delete(look_key(workspace, look.lookup_id))
        action["Delete"] |= {
            "ConditionExpression": "#noted_at = :seen",
            "ExpressionAttributeNames": {"#noted_at": "noted_at"},
            "ExpressionAttributeValues": typed({":seen": look.noted_at}),
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
    return typed({"pk": f"feeder#{workspace}", "sk": "swept"})
