"""Partners' shares in the ledger: one item for each partner of a workspace, and one for each lookup ready to feed.

Both change in the transactions that change the lookups, so that they never lag: choosing the next lookup and computing
the backlog read as many items as there are partners, however many lookups they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookup.ledger.fair_share import INTAKE, Share
from lookup.ledger.items import deserialize, ready_pk, ready_sk, serialize, share_key, sweep_key, unfinished_key
from lookup.ledger.model import LookupSpec
from lookup.ledger.table import LedgerTable

Action = dict[str, Any]
NUMBERS = ("tag", "virtual", "ready", "users", "running", "unfinished")


@dataclass(frozen=True, slots=True)
class ReadyLookup:
    """A lookup with entries to feed: `left` users by the estimate; `turn` is its sort key."""

    workspace: str
    partner: str
    turn: str
    left: int

    @property
    def lookup_id(self) -> str:
        """Its lookup."""
        return self.turn.partition("#")[2]


class ShareLedger:
    """Reads of shares and ready lookups, and the actions that change them, for the transactions of other modules."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def of(self, workspace: str) -> list[Share]:
        """Read the shares of a workspace."""
        return [read_share(facts, self._table.clock()) for facts in self.facts(workspace)]

    def facts(self, workspace: str) -> list[dict[str, Any]]:
        """Read the items of the shares of a workspace."""
        return [deserialize(item) for item in self._table.query(f"share#{workspace}")]

    def next(self, workspace: str, partner: str, limit: int) -> list[ReadyLookup]:
        """Read the first ready lookups of a partner, in their order."""
        items = self._table.query(ready_pk(workspace, partner), limit=limit)
        return [_ready(workspace, partner, deserialize(item)) for item in items]

    def before(self, workspace: str, partner: str, turn: float, limit: int) -> list[ReadyLookup]:
        """Read at most `limit` ready lookups of a partner whose turn is not after `turn`."""
        end = ready_sk(turn) + "~"  # sorts after every lookup of that turn
        items = self._table.query(ready_pk(workspace, partner), before=end, limit=limit)
        return [_ready(workspace, partner, deserialize(item)) for item in items]

    def ready_entry(self, spec: LookupSpec) -> ReadyLookup | None:
        """Read the ready entry of a lookup; None when it has nothing to feed."""
        items = self._table.read([_entry_key(spec)])
        return _ready(spec.workspace, spec.partner, deserialize(items[0])) if items else None

    def update_share(
        self,
        spec: LookupSpec,
        gains: Mapping[str, int],
        *,
        settings: Mapping[str, object] | None = None,
        condition: str | None = None,
        seen: Mapping[str, object] | None = None,
    ) -> Action:
        """Return the action that adds `gains` to the numbers of a lookup's share and sets `settings`."""
        given = settings or {}
        expression = "ADD " + ", ".join(f"#{name} :{name}" for name in gains)
        if given:
            expression = (
                "SET " + ", ".join(f"#{name} = :{name}" for name in given) + (f" {expression}" if gains else "")
            )
        return self._table.update(
            share_key(spec.workspace, spec.partner), expression, {**gains, **given, **(seen or {})}, condition=condition
        )

    def add_ready(self, spec: LookupSpec, left: int) -> Action:
        """Return the action that makes a lookup ready to feed, which is not yet."""
        return self._table.put(_entry_key(spec) | serialize({"left": left}), absent=True)

    def resize_ready(self, entry: ReadyLookup, left: int) -> Action:
        """Return the action that sets how much of a lookup is left to feed, if it is unchanged."""
        return self._table.update(
            _key_of(entry), "SET #left = :left", {"left": left, "seen": entry.left}, condition="#left = :seen"
        )

    def remove_ready(self, entry: ReadyLookup) -> Action:
        """Return the action that removes a lookup's ready entry, if it is unchanged."""
        action = self._table.delete(_key_of(entry))
        action["Delete"] |= {
            "ConditionExpression": "#left = :seen",
            "ExpressionAttributeNames": {"#left": "left"},
            "ExpressionAttributeValues": serialize({":seen": entry.left}),
        }
        return action

    def require_not_ready(self, spec: LookupSpec) -> Action:
        """Return the action that requires that a lookup has no ready entry."""
        return self._table.check(_entry_key(spec), "attribute_not_exists(#pk)", {})

    def require_unfinished(self, spec: LookupSpec) -> Action:
        """Return the action that requires that a lookup has not ended."""
        return self._table.check(unfinished_key(spec.workspace, spec.lookup_id), "attribute_exists(#pk)", {})

    def mark_for_sweep(self, spec: LookupSpec) -> Action:
        """Return the action that has the sweep check a lookup, in case its writer dies before the next step."""
        return self._table.put(sweep_key(spec.workspace, spec.lookup_id) | serialize({"noted_at": self._table.clock()}))


def _entry_key(spec: LookupSpec) -> dict[str, Any]:
    return serialize({"pk": ready_pk(spec.workspace, spec.partner), "sk": ready_sk(spec.turn, spec.lookup_id)})


def _key_of(entry: ReadyLookup) -> dict[str, Any]:
    return serialize({"pk": ready_pk(entry.workspace, entry.partner), "sk": entry.turn})


def _ready(workspace: str, partner: str, facts: Mapping[str, Any]) -> ReadyLookup:
    return ReadyLookup(workspace, partner, facts["sk"], int(facts["left"]))


def read_share(facts: Mapping[str, Any], now: float) -> Share:
    """Parse a share; the intake queue's is ready while its messages have waited for quota a moment ago."""
    numbers = {name: int(facts.get(name, 0)) for name in NUMBERS}
    if facts["sk"] == INTAKE:
        numbers["ready"] = int(facts.get("wants_until", 0.0) > now)
    return Share(partner=facts["sk"], weight=int(facts.get("weight", 1)), **numbers)
