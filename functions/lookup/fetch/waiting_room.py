"""Who waits for quota right now, over all functions: bounded in number, and shared by the partners that wait.

One item of the ledger's table holds a lease for each request that waits. A lease ends by itself, so a function that
dies keeps nobody out for longer than it could have waited. Who need not wait is not written down and pays nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from lookup.errors import RetryLater, TooManyRequests
from lookup.ledger.items import serialize
from lookup.ledger.table import LedgerTable
from lookup.model import Clock, Lane, Sleep
from lookup.partners import Partner

KEY = {"pk": "waiting", "sk": "leases"}
LEASE = "lease_"
STEP = 1.0  # seconds of a turn, and between two looks of one who waits; about a slot of the gate
PAUSE = 0.05  # seconds; the least that one who waits sleeps
TIGHT = 40  # users (two payloads): with less room than that a newcomer looks whether others wait already
CROWDED = "crowded"
WAITING = "waiting"  # the policy that is violated


class RoomAt(Protocol):
    """What is asked of a gate here."""

    def room_at(self, users: int, lane: Lane) -> float:
        """See `QuotaGate.room_at`."""


@dataclass(frozen=True, slots=True, order=True)
class Lease:
    """One request that waits. Times are epoch milliseconds; ordered by when it began to wait."""

    since: int
    name: str
    partner: str = field(compare=False)
    workspace: str = field(compare=False)
    users: int = field(compare=False)
    until: int = field(compare=False)


class WaitingRoom:
    """The leases. `most` wait at once, of all partners and workspaces together."""

    def __init__(self, table: LedgerTable, clock: Clock, *, most: int) -> None:
        self._table = table
        self._clock = clock
        self._most = most

    def enter(self, lease: Lease, most_of_partner: int) -> bool:
        """Write a lease down; return whether there was a place for it. What has ended is swept out on the way.

        The lease is written first and then looked at among the others, so two who come at once see each other: never
        more wait than may, and in a crush fewer.
        """
        self._table.update_item(serialize(KEY), f"SET #{lease.name} = :lease", {"lease": _written(lease)})
        others = [one for one in self.present() if one.name != lease.name]
        own = [one for one in others if one.partner == lease.partner]
        if len(others) < self._most and len(own) < most_of_partner:
            return True
        self.leave(lease)
        return False

    def present(self) -> list[Lease]:
        """Read who waits, in order; leases that ended are left out, and dropped."""
        now = int(self._clock() * 1000)
        items = self._table.read([serialize(KEY)])
        leases = sorted(_read(name, value) for name, value in _leases(items))
        ended = [one.name for one in leases if one.until <= now]
        if ended:
            self._drop(ended)
        return [one for one in leases if one.until > now]

    def leave(self, lease: Lease) -> None:
        """Take a lease away."""
        self._drop([lease.name])

    def _drop(self, names: Sequence[str]) -> None:
        dropped = ", ".join(f"#{name}" for name in names[:50])
        self._table.update_item(serialize(KEY), f"SET #looked_at = :now REMOVE {dropped}", {"now": int(self._clock())})


class Waiter:
    """One request's way through the room."""

    def __init__(self, room: WaitingRoom, partner: Partner, workspace: str, clock: Clock, sleep: Sleep) -> None:
        self._room = room
        self._partner = partner
        self._workspace = workspace
        self._clock = clock
        self._sleep = sleep
        self._lease: Lease | None = None

    def turn(self, gate: RoomAt, users: int, left: int, until: float) -> int:
        """Wait until the gate may be asked: there is room at last, and it is this partner's turn. Return for how many.

        That is `users` (of `left` in all), or fewer where several partners wait: each takes what is free in its turn.
        Raises `RetryLater` at once when the wait would be longer than `until`, and when too many wait already;
        `TooManyRequests` in that case for a partner who may not have work done behind the answer.
        """
        if self._may_pass(gate, users):
            return users
        self._begin(gate, left, until)
        while True:
            now, room_at = self._clock(), gate.room_at(1, Lane.ON_DEMAND)
            if max(room_at, now) >= until:
                raise RetryLater(room_at)
            partners = {one.partner for one in self._here()} | {self._partner.name}
            wait = until_turn(self._partner.name, partners, now)
            most = _most(gate, users, now + STEP) if wait == 0 else 0
            if most == users or (most and len(partners) > 1):
                return most
            self._sleep(max(min(wait or STEP, until - now), PAUSE))

    def _may_pass(self, gate: RoomAt, users: int) -> bool:
        """Return whether there is room now that nobody waits for: if there is plenty nobody does."""
        if self._lease is not None or not self._has_room(gate, users):
            return False
        if self._has_room(gate, users + TIGHT):
            return True
        return not [one for one in self._here() if one.partner != self._partner.name]

    def _has_room(self, gate: RoomAt, users: int) -> bool:
        return gate.room_at(users, Lane.ON_DEMAND) <= self._clock()  # the clock is read last: it goes on meanwhile

    def _begin(self, gate: RoomAt, left: int, until: float) -> None:
        """Take a place, unless it would be in vain: those who are ahead are served first."""
        if self._lease is not None:
            return
        present = self._room.present()
        if sum(one.partner == self._partner.name for one in present) >= self._partner.waiting_requests:
            raise self._crowded()  # before it is written: a flood that only comes and goes must fill no places
        ahead = _ahead(self._partner.name, left, self._among(present))
        forecast = gate.room_at(ahead + left, Lane.ON_DEMAND)
        if forecast >= until:
            raise RetryLater(forecast)
        now = int(self._clock() * 1000)
        name = f"{LEASE}{uuid4().hex[:16]}"
        lease = Lease(now, name, self._partner.name, self._workspace, left, int(until * 1000) + 1000)
        if not self._room.enter(lease, self._partner.waiting_requests):
            raise self._crowded()
        self._lease = lease

    def _crowded(self) -> RetryLater | TooManyRequests:
        if Lane.BULK in self._partner.lanes:
            return RetryLater(self._clock(), CROWDED)
        return TooManyRequests(WAITING, self._partner.waiting_requests, retry_at=self._clock() + STEP)

    def _here(self) -> list[Lease]:
        return self._among(self._room.present())

    def _among(self, present: Sequence[Lease]) -> list[Lease]:
        return [one for one in present if one.workspace == self._workspace]

    def leave(self) -> None:
        """Return the place back, if one was taken."""
        if self._lease is not None:
            self._room.leave(self._lease)
            self._lease = None


def _ahead(partner: str, left: int, waiting: Sequence[Lease]) -> int:
    """Count the users who are served before: one's own partner's all, of every other as many as of oneself."""
    of: dict[str, int] = {}
    for one in waiting:
        of[one.partner] = of.get(one.partner, 0) + one.users
    own = of.pop(partner, 0)
    return own + sum(min(users, own + left) for users in of.values())


def until_turn(partner: str, partners: Collection[str], now: float) -> float:
    """Return how many seconds it is until a partner's turn; 0 while it lasts.

    The partners that wait take turns of a second by the clock, in order of their names. So what comes free is shared
    evenly, however many requests each has, and what one leaves is there for the next.
    """
    order = sorted(partners)
    turns = math.floor(now / STEP)
    ahead = (order.index(partner) - turns) % len(order)
    return 0.0 if not ahead else (turns + ahead) * STEP - now


def _most(gate: RoomAt, users: int, by: float) -> int:
    """Return for how many of `users` there is room by then."""
    return next((number for number in range(users, 0, -1) if gate.room_at(number, Lane.ON_DEMAND) <= by), 0)


def _written(lease: Lease) -> str:
    facts = [lease.since, lease.partner, lease.workspace, lease.users, lease.until]
    return json.dumps(facts, separators=(",", ":"))


def _leases(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(name, value["S"]) for item in items for name, value in item.items() if name.startswith(LEASE)]


def _read(name: str, written: str) -> Lease:
    since, partner, workspace, users, until = json.loads(written)
    return Lease(since, name, partner, workspace, users, until)
