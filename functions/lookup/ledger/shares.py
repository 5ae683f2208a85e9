"""Partners' shares: start-time fair queueing over partners (Goyal, Vin, Cheng: SIGCOMM 1996), kept in the ledger.

Every partner has one tag per workspace, which grows by what it is fed, over its weight. The smallest tag is next. A
partner that was idle starts at the virtual time, never below it: idling saves nothing up. No change that a partner
makes to its lookups decreases its tag.

There is one item for each partner of a workspace, and one for each lookup ready to feed. Both change in the
transactions that change the lookups, so that they never lag: choosing the next lookup and computing the backlog read as
many items as there are partners, however many lookups they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookup.ledger.items import deserialize, ready_pk, ready_sk, serialize, share_key, sweep_key, unfinished_key
from lookup.ledger.model import LookupSpec
from lookup.ledger.table import LedgerTable
from lookup.model import PART_LIMIT

UNIT = 1_000_000  # that one entry adds to the tag at weight 1; integers add up exactly
INTAKE = "#intake"  # the intake queue as a partner; no partner's name may start with #
ENTRY_BYTES = 4096  # the longest line of a roster: so many bytes without an entry cost as much as one entry


@dataclass(frozen=True, slots=True)
class Share:
    """A partner in a workspace: its tag and its lookups.

    `virtual` is the virtual time when it was last fed. `ready` lookups have entries to feed, `users` of them together
    (an estimate). `running` lookups are active, `unfinished` ones active or paused. The intake queue has no lookups; it
    is `ready` while some of its messages wait for quota.
    """

    partner: str
    tag: int = 0
    virtual: int = 0
    weight: int = 1
    ready: int = 0
    users: int = 0
    running: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A partner that may be fed now, at the workspace's virtual time; its tag counts from there at least."""

    share: Share
    virtual: int

    @property
    def tag(self) -> int:
        """The partner's effective tag."""
        return max(self.share.tag, self.virtual)

    @property
    def lead(self) -> int:
        """How far its tag is ahead of the smallest one."""
        return self.tag - self.virtual


def cost(entries: int, weight: int) -> int:
    """Return what so many entries add to a tag; negative for a refund."""
    return entries * UNIT // weight


def size_of(entries: int, length: int) -> int:
    """Return the cost in entries of a step that holds `entries` in `length` bytes."""
    return max(entries, -(-length // ENTRY_BYTES))


def virtual_time(shares: Iterable[Share]) -> int:
    """Return the virtual time: that of the last feeding."""
    return max((one.virtual for one in shares), default=0)


def turns(shares: Sequence[Share]) -> list[Turn]:
    """Return the partners with entries to feed, by their tags: the one fed least for its weight first.

    The virtual time is the smallest tag among them. It never decreases. The intake queue's tag is at most a part behind
    the partners': it may be slower than its share allows, and a new partner must not start at its tag.
    """
    waiting = [one for one in shares if one.ready > 0]
    before = virtual_time(shares)
    tags = {one.partner: max(one.tag, before) for one in waiting}
    partners = [tag for name, tag in tags.items() if name != INTAKE]
    if partners and len(partners) < len(tags):
        weight = next(one.weight for one in waiting if one.partner == INTAKE)
        tags[INTAKE] = max(tags[INTAKE], min(partners) - cost(PART_LIMIT, weight))
    now = min(tags.values(), default=before)
    return sorted((Turn(one, now) for one in waiting), key=lambda turn: (turn.tag, turn.share.partner))


def intake_turn(shares: Sequence[Share], weight: int, *, is_out: bool, is_stalled: bool) -> Turn | None:
    """Return the turn of the intake queue, which needs quota now, if it is not ahead of the partners.

    `is_out`: parts of rosters are in flight. With nothing of rosters ready or in flight, or without progress of them
    (`is_stalled`), the intake queue takes all capacity: then the virtual time is its own tag.
    """
    known = next((one for one in shares if one.partner == INTAKE), Share(INTAKE))
    own = replace(known, ready=1, weight=weight)
    others = [one for one in shares if one.partner != INTAKE]
    before = virtual_time(shares)
    if is_stalled or not (is_out or any(one.ready > 0 for one in others)):
        return Turn(own, max(own.tag, before))
    if not any(one.ready > 0 for one in others):
        return Turn(own, before) if own.tag <= before else None
    turn = next(turn for turn in turns([*others, own]) if turn.share.partner == INTAKE)
    return turn if turn.lead <= 0 else None


def first_turn(shares: Sequence[Share], partner: str, size: int, part: int, *, is_full: bool) -> Turn | None:
    """Return a partner's turn for a part that is waited for, if it may have one now.

    With room on the queue it has one when it is next. Otherwise it must not be ahead of the others by more than a part;
    `size` is the cost of the part, `part` that of a whole part.
    """
    waiting = turns(shares)
    own = next((turn for turn in waiting if turn.share.partner == partner), None)
    if own is None or (own == waiting[0] and not is_full):
        return own
    if is_full:  # waiting lookups advance the virtual time only when they are fed
        own = Turn(own.share, virtual_time(shares))
    return own if own.lead + size <= part else None


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

    def is_not_after(self, turn: float) -> bool:
        """Return whether it is fed no later than a lookup of that turn."""
        return self.turn < _end_of(turn)


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
        items = self._table.query(ready_pk(workspace, partner), before=_end_of(turn), limit=limit)
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


def _end_of(turn: float) -> str:
    """Return what sorts after every ready lookup of a turn."""
    return ready_sk(turn) + "~"


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
