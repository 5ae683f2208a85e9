"""The requests that wait for quota, over all processes: bounded in number, with turns for their partners.

One item of the ledger's table holds a lease for each waiting request. A lease expires, so a crashed process blocks
others no longer than it could have waited. A request that need not wait writes nothing.
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
LEASE_PREFIX = "lease_"
TURN_SECONDS = 1.0  # of a turn, and between two reads; about a slot of the gate
MIN_SLEEP = 0.05  # seconds
LITTLE_CAPACITY = 40  # users (two payloads): with less capacity a new request checks for waiting ones
CROWDED = "crowded"
WAITING = "waiting"  # the policy that is violated


class RoomAt(Protocol):
    """The part of a gate that is used here."""

    def room_at(self, users: int, lane: Lane) -> float:
        """See `QuotaGate.room_at`."""


@dataclass(frozen=True, slots=True, order=True)
class Lease:
    """One waiting request. Times are epoch milliseconds; ordered by the start of the wait."""

    since: int
    name: str
    partner: str = field(compare=False)
    workspace: str = field(compare=False)
    users: int = field(compare=False)
    until: int = field(compare=False)


class WaitingRoom:
    """The leases. At most `most` requests wait at once, of all partners and workspaces together."""

    def __init__(self, table: LedgerTable, clock: Clock, *, most: int) -> None:
        self._table = table
        self._clock = clock
        self._grantable = most

    def enter(self, lease: Lease, most_of_partner: int) -> bool:
        """Write a lease. Return whether there was a place for it. Expired leases are removed.

        The lease is written before the others are counted, so that concurrent requests see each other: the bound holds,
        and under contention fewer may wait.
        """
        self._table.update_item(serialize(KEY), f"SET #{lease.name} = :lease", {"lease": _written(lease)})
        others = [one for one in self.leases() if one.name != lease.name]
        own = [one for one in others if one.partner == lease.partner]
        if len(others) < self._grantable and len(own) < most_of_partner:
            return True
        self.leave(lease)
        return False

    def leases(self) -> list[Lease]:
        """Read the leases in order; expired ones are removed."""
        now = int(self._clock() * 1000)
        items = self._table.read([serialize(KEY)])
        leases = sorted(_read(name, value) for name, value in _leases(items))
        ended = [one.name for one in leases if one.until <= now]
        if ended:
            self._drop(ended)
        return [one for one in leases if one.until > now]

    def leave(self, lease: Lease) -> None:
        """Remove a lease."""
        self._drop([lease.name])

    def _drop(self, names: Sequence[str]) -> None:
        dropped = ", ".join(f"#{name}" for name in names[:50])
        self._table.update_item(serialize(KEY), f"SET #looked_at = :now REMOVE {dropped}", {"now": int(self._clock())})


class Waiter:
    """One request in the waiting room."""

    def __init__(self, room: WaitingRoom, partner: Partner, workspace: str, clock: Clock, sleep: Sleep) -> None:
        self._room = room
        self._partner = partner
        self._workspace = workspace
        self._clock = clock
        self._sleep = sleep
        self._lease: Lease | None = None

    def turn(self, gate: RoomAt, users: int, left: int, until: float) -> int:
        """Wait for capacity and this partner's turn. Return how many users to request of the gate.

        That is `users` (of `left` in all), or fewer when several partners wait: each takes the free capacity in its
        turn. Raises `RetryLater` at once when the wait would be longer than `until`, or too many wait already;
        `TooManyRequests` in that case for a partner without the bulk lane.
        """
        if self._may_skip(gate, users):
            return users
        self._enter(gate, left, until)
        while True:
            now, room_at = self._clock(), gate.room_at(1, Lane.ON_DEMAND)
            if max(room_at, now) >= until:
                raise RetryLater(room_at)
            partners = {one.partner for one in self._leases_here()} | {self._partner.name}
            wait = seconds_until_turn(self._partner.name, partners, now)
            most = _grantable(gate, users, now + TURN_SECONDS) if wait == 0 else 0
            if most == users or (most and len(partners) > 1):
                return most
            self._sleep(max(min(wait or TURN_SECONDS, until - now), MIN_SLEEP))

    def _may_skip(self, gate: RoomAt, users: int) -> bool:
        """Return whether there is capacity now for which no request of another partner waits."""
        if self._lease is not None or not self._has_room(gate, users):
            return False
        if self._has_room(gate, users + LITTLE_CAPACITY):
            return True
        return not [one for one in self._leases_here() if one.partner != self._partner.name]

    def _has_room(self, gate: RoomAt, users: int) -> bool:
        return gate.room_at(users, Lane.ON_DEMAND) <= self._clock()  # the clock is read last

    def _enter(self, gate: RoomAt, left: int, until: float) -> None:
        """Write a lease, unless the forecast is too late: requests ahead are granted first."""
        if self._lease is not None:
            return
        leases = self._room.leases()
        if sum(one.partner == self._partner.name for one in leases) >= self._partner.waiting_requests:
            raise self._crowded_error()  # before it is written: refused requests must fill no places
        ahead = _users_ahead(self._partner.name, left, self._with_own(leases))
        forecast = gate.room_at(ahead + left, Lane.ON_DEMAND)
        if forecast >= until:
            raise RetryLater(forecast)
        now = int(self._clock() * 1000)
        name = f"{LEASE_PREFIX}{uuid4().hex[:16]}"
        lease = Lease(now, name, self._partner.name, self._workspace, left, int(until * 1000) + 1000)
        if not self._room.enter(lease, self._partner.waiting_requests):
            raise self._crowded_error()
        self._lease = lease

    def _crowded_error(self) -> RetryLater | TooManyRequests:
        if Lane.BULK in self._partner.lanes:
            return RetryLater(self._clock(), CROWDED)
        return TooManyRequests(WAITING, self._partner.waiting_requests, retry_at=self._clock() + TURN_SECONDS)

    def _leases_here(self) -> list[Lease]:
        return self._with_own(self._room.leases())

    def _with_own(self, leases: Sequence[Lease]) -> list[Lease]:
        return [one for one in leases if one.workspace == self._workspace]

    def leave(self) -> None:
        """Remove the lease, if one was written."""
        if self._lease is not None:
            self._room.leave(self._lease)
            self._lease = None


def _users_ahead(partner: str, left: int, waiting: Sequence[Lease]) -> int:
    """Return the users granted before: all of the own partner, and of every other at most as many."""
    of: dict[str, int] = {}
    for one in waiting:
        of[one.partner] = of.get(one.partner, 0) + one.users
    own = of.pop(partner, 0)
    return own + sum(min(users, own + left) for users in of.values())


def seconds_until_turn(partner: str, partners: Collection[str], now: float) -> float:
    """Return how many seconds it is until a partner's turn; 0 while it lasts.

    Waiting partners take turns of a second by the clock, in order of their names. So capacity is shared evenly, however
    many requests each has, and what one leaves is there for the next.
    """
    order = sorted(partners)
    turns = math.floor(now / TURN_SECONDS)
    ahead = (order.index(partner) - turns) % len(order)
    return 0.0 if not ahead else (turns + ahead) * TURN_SECONDS - now


def _grantable(gate: RoomAt, users: int, by: float) -> int:
    """Return for how many of `users` there is capacity by then."""
    return next((number for number in range(users, 0, -1) if gate.room_at(number, Lane.ON_DEMAND) <= by), 0)


def _written(lease: Lease) -> str:
    facts = [lease.since, lease.partner, lease.workspace, lease.users, lease.until]
    return json.dumps(facts, separators=(",", ":"))


def _leases(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(name, value["S"]) for item in items for name, value in item.items() if name.startswith(LEASE_PREFIX)]


def _read(name: str, written: str) -> Lease:
    since, partner, workspace, users, until = json.loads(written)
    return Lease(since, name, partner, workspace, users, until)
