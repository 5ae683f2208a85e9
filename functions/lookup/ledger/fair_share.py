"""Whose turn it is: start-time fair queueing over partners (Goyal, Vin, Cheng: SIGCOMM 1996).

Every partner has one tag per workspace, which grows by what it is fed, over its weight. The smallest tag is next. A
partner that had nothing to feed begins where the others are, never behind them, so that idling saves nothing up.
Nothing that a partner does to its lookups moves its tag back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lookup.model import PART_LIMIT

UNIT = 1_000_000  # that one entry adds to the tag of a partner of weight 1; whole numbers add up exactly
INTAKE = "#intake"  # the intake queue, which is a partner of its own; no partner can be named so
ENTRY_BYTES = 4096  # of a roster, the longest line: as many bytes without an entry cost what one entry costs


@dataclass(frozen=True, slots=True)
class Share:
    """A partner in a workspace: its tag, and what it has there.

    `virtual` is the virtual time when it was last fed. `ready` lookups have something to feed, `users` of them together
    (an estimate). `running` lookups are active, `unfinished` ones have not ended: those and the paused ones.
    The intake queue's is `ready` while some of its messages wait for quota; it has no lookups.
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
        """Where the partner stands."""
        return max(self.share.tag, self.virtual)

    @property
    def lead(self) -> int:
        """How far it is ahead of who is next."""
        return self.tag - self.virtual


def cost(entries: int, weight: int) -> int:
    """Compute what so many entries add to a tag; negative for what is given back."""
    return entries * UNIT // weight


def size_of(entries: int, length: int) -> int:
    """Compute as how many entries a piece of a roster counts that holds `entries` in `length` bytes."""
    return max(entries, -(-length // ENTRY_BYTES))


def latest(shares: Iterable[Share]) -> int:
    """Return the virtual time when somebody was fed last."""
    return max((one.virtual for one in shares), default=0)


def turns(shares: Sequence[Share]) -> list[Turn]:
    """Return the partners that have something to feed, the one that was fed least for its weight first.

    The virtual time is the smallest tag among them. It never goes back. The intake queue's tag is at most a part behind
    the partners': it may be slower than its share allows, and who comes next must not begin where it was left.
    """
    waiting = [one for one in shares if one.ready > 0]
    before = latest(shares)
    tags = {one.partner: max(one.tag, before) for one in waiting}
    partners = [tag for name, tag in tags.items() if name != INTAKE]
    if partners and len(partners) < len(tags):
        weight = next(one.weight for one in waiting if one.partner == INTAKE)
        tags[INTAKE] = max(tags[INTAKE], min(partners) - cost(PART_LIMIT, weight))
    now = min(tags.values(), default=before)
    return sorted((Turn(one, now) for one in waiting), key=lambda turn: (turn.tag, turn.share.partner))


def intake_turn(shares: Sequence[Share], weight: int, *, is_out: bool, is_stalled: bool) -> Turn | None:
    """Return the turn of the intake queue, which wants quota now, if it is not ahead of the partners.

    `is_out` says that parts of rosters are out. With nothing of a roster ready or out, or with nothing of it going on
    (`is_stalled`), the intake queue has what there is: then the virtual time is its own tag.
    """
    known = next((one for one in shares if one.partner == INTAKE), Share(INTAKE))
    own = replace(known, ready=1, weight=weight)
    others = [one for one in shares if one.partner != INTAKE]
    before = latest(shares)
    if is_stalled or not (is_out or any(one.ready > 0 for one in others)):
        return Turn(own, max(own.tag, before))
    if not any(one.ready > 0 for one in others):
        return Turn(own, before) if own.tag <= before else None
    turn = next(turn for turn in turns([*others, own]) if turn.share.partner == INTAKE)
    return turn if turn.lead <= 0 else None


def first_turn(shares: Sequence[Share], partner: str, size: int, part: int, *, is_full: bool) -> Turn | None:
    """Return a partner's turn for a piece that somebody waits for, if it may have one now.

    With room on the queue it has one when it is next. Else it must not be ahead of the others by more than a part with
    it; `size` is what the piece costs, `part` what a whole part does.
    """
    waiting = turns(shares)
    own = next((turn for turn in waiting if turn.share.partner == partner), None)
    if own is None or (own == waiting[0] and not is_full):
        return own
    if is_full:  # what waits now moves the virtual time on only when it is fed
        own = Turn(own.share, latest(shares))
    return own if own.lead + size <= part else None
