"""Start-time fair queueing over partners (Goyal, Vin, Cheng: SIGCOMM 1996).

Every partner has one tag per workspace, which grows by what it is fed, over its weight. The smallest tag is next. A
partner that was idle starts at the virtual time, never below it: idling saves nothing up. No change that a partner
makes to its lookups decreases its tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
    """Return the cost in entries of a segment that holds `entries` in `length` bytes."""
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
    """Return a partner's turn for a segment that is waited for, if it may have one now.

    With room on the queue it has one when it is next. Otherwise it must not be ahead of the others by more than a part;
    `size` is the cost of the segment, `part` that of a whole part.
    """
    waiting = turns(shares)
    own = next((turn for turn in waiting if turn.share.partner == partner), None)
    if own is None or (own == waiting[0] and not is_full):
        return own
    if is_full:  # waiting lookups advance the virtual time only when they are fed
        own = Turn(own.share, virtual_time(shares))
    return own if own.lead + size <= part else None
