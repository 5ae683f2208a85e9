"""Partners' shares in the ledger: one item for each partner of a workspace, and one for each lookup that can be fed.

Both change in the transactions that change the lookups, so that they are never behind: choosing what is fed next, and
telling how much waits, reads as many items as there are partners, however many lookups they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookup.ledger.fair_share import INTAKE, Share
from lookup.ledger.items import deserialize, look_key, ready_pk, ready_sk, serialize, share_key, unfinished_key
from lookup.ledger.model import LookupSpec
from lookup.ledger.table import LedgerTable

Action = dict[str, Any]
NUMBERS = ("tag", "virtual", "ready", "users", "running", "unfinished")


@dataclass(frozen=True, slots=True)
class ReadyLookup:
    """A lookup that has something to feed: `left` users by the estimate; `turn` is its place, a sort key."""

    workspace: str
    partner: str
    turn: str
    left: int

    @property
    def lookup_id(self) -> str:
        """Whose place it is."""
        return self.turn.partition("#")[2]


class ShareLedger:
    """Shares and what is ready, read; and the actions that change them, for the transactions of others."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def of(self, workspace: str) -> list[Share]:
        """Read the shares of a workspace."""
        return [read_share(facts, self._table.clock()) for facts in self.facts(workspace)]

    def facts(self, workspace: str) -> list[dict[str, Any]]:
        """Read all that is kept with the shares of a workspace."""
        return [deserialize(item) for item in self._table.query(f"share#{workspace}")]

    def next(self, workspace: str, partner: str, limit: int) -> list[ReadyLookup]:
        """Read the first lookups of a partner that can be fed, in their order."""
        items = self._table.query(ready_pk(workspace, partner), limit=limit)
        return [_ready(workspace, partner, deserialize(item)) for item in items]

    def before(self, workspace: str, partner: str, turn: float, limit: int) -> list[ReadyLookup]:
        """Read the lookups of a partner that can be fed and come before or with a turn, so many at most."""
        end = ready_sk(turn) + "~"  # behind every lookup of that turn
        items = self._table.query(ready_pk(workspace, partner), before=end, limit=limit)
        return [_ready(workspace, partner, deserialize(item)) for item in items]

    def entry(self, spec: LookupSpec) -> ReadyLookup | None:
        """Read whether a lookup can be fed."""
        items = self._table.read([_entry_key(spec)])
        return _ready(spec.workspace, spec.partner, deserialize(items[0])) if items else None

    def changed(
        self,
        spec: LookupSpec,
        gains: Mapping[str, int],
        *,
        settings: Mapping[str, object] | None = None,
        condition: str | None = None,
        seen: Mapping[str, object] | None = None,
    ) -> Action:
        """Make the action that adds to the numbers of a lookup's share, and sets others of its facts."""
        given = settings or {}
        expression = "ADD " + ", ".join(f"#{name} :{name}" for name in gains)
        if given:
            expression = (
                "SET " + ", ".join(f"#{name} = :{name}" for name in given) + (f" {expression}" if gains else "")
            )
        return self._table.update(
            share_key(spec.workspace, spec.partner), expression, {**gains, **given, **(seen or {})}, condition=condition
        )

    def entering(self, spec: LookupSpec, left: int) -> Action:
        """Make the action that lets a lookup be fed, which cannot be yet."""
        return self._table.put(_entry_key(spec) | serialize({"left": left}), absent=True)

    def resized(self, entry: ReadyLookup, left: int) -> Action:
        """Make the action that says how much is left of a lookup to feed, unless somebody else has said so since."""
        return self._table.update(
            _key_of(entry), "SET #left = :left", {"left": left, "seen": entry.left}, condition="#left = :seen"
        )

    def leaving(self, entry: ReadyLookup) -> Action:
        """Make the action that lets a lookup be fed no more, unless its entry has changed since."""
        action = self._table.delete(_key_of(entry))
        action["Delete"] |= {
            "ConditionExpression": "#left = :seen",
            "ExpressionAttributeNames": {"#left": "left"},
            "ExpressionAttributeValues": serialize({":seen": entry.left}),
        }
        return action

    def absent(self, spec: LookupSpec) -> Action:
        """Make the action that requires of a lookup that it cannot be fed."""
        return self._table.check(_entry_key(spec), "attribute_not_exists(#pk)", {})

    def known(self, spec: LookupSpec) -> Action:
        """Make the action that requires of a lookup that it is counted among those that have not ended."""
        return self._table.check(unfinished_key(spec.workspace, spec.lookup_id), "attribute_exists(#pk)", {})

    def look(self, spec: LookupSpec) -> Action:
        """Make the action that has the sweep look at a lookup: who changes it may die before the next step."""
        return self._table.put(look_key(spec.workspace, spec.lookup_id) | serialize({"noted_at": self._table.clock()}))


def _entry_key(spec: LookupSpec) -> dict[str, Any]:
    return serialize({"pk": ready_pk(spec.workspace, spec.partner), "sk": ready_sk(spec.turn, spec.lookup_id)})


def _key_of(entry: ReadyLookup) -> dict[str, Any]:
    return serialize({"pk": ready_pk(entry.workspace, entry.partner), "sk": entry.turn})


def _ready(workspace: str, partner: str, facts: Mapping[str, Any]) -> ReadyLookup:
    return ReadyLookup(workspace, partner, facts["sk"], int(facts["left"]))


def read_share(facts: Mapping[str, Any], now: float) -> Share:
    """Read a share; the intake queue's is ready while its messages have waited for quota a moment ago."""
    numbers = {name: int(facts.get(name, 0)) for name in NUMBERS}
    if facts["sk"] == INTAKE:
        numbers["ready"] = int(facts.get("wants_until", 0.0) > now)
    return Share(partner=facts["sk"], weight=int(facts.get("weight", 1)), **numbers)
