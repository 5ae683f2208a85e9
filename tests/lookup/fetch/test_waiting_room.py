"""Requests that wait for quota: bounded over all functions, shared by waiting partners, refused early if hopeless."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.errors import RetryLater, TooManyRequests
from lookup.fetch.waiting_room import CROWDED, KEY, TURN_SECONDS, Lease, Waiter, WaitingRoom, seconds_until_turn
from lookup.ledger.items import serialize
from lookup.ledger.table import LedgerTable
from lookup.model import Lane
from lookup.partners import Partner
from tests.lookup.services import FakeClock
from tests.lookup.stage import Stage

FLOOD = Partner("flood", waiting_requests=50)
QUIET = Partner("quiet", waiting_requests=50)


@dataclass
class Window:
    """A gate used only for its time: so many users are served a second, from a moment on."""

    clock: FakeClock
    free_at: float
    per_second: float = 20.0

    def room_at(self, users: int, lane: Lane) -> float:
        assert lane is Lane.ON_DEMAND
        return max(self.clock(), self.free_at + (users - 1) / self.per_second)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(stage: Stage, clock: FakeClock) -> LedgerTable:
    return LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=clock.sleep)


def lease(name: str, clock: FakeClock, partner: str = "flood", users: int = 1, *, seconds: float = 20) -> Lease:
    now = int(clock() * 1000)
    return Lease(now, f"lease_{name}", partner, "default", users, now + int(seconds * 1000))


def waiter(table: LedgerTable, clock: FakeClock, partner: Partner, *, most: int = 100) -> Waiter:
    return Waiter(WaitingRoom(table, clock, most=most), partner, "default", clock, clock.sleep)


def test_never_more_wait_than_may(table: LedgerTable, clock: FakeClock) -> None:
    """Of many who come at once no more than may wait have a place, in all and of each partner."""
    room = WaitingRoom(table, clock, most=12)
    with ThreadPoolExecutor(8) as callers:
        flood = list(callers.map(lambda number: room.enter(lease(f"f{number}", clock), 7), range(24)))
    assert sum(flood) <= 7
    places = [room.enter(lease(f"q{number}", clock, "quiet"), 50) for number in range(12)]
    assert sum(flood) + sum(places) == 12 == len(room.leases())


def test_who_dies_leaves_its_place(table: LedgerTable, clock: FakeClock) -> None:
    """A lease ends by itself, and what ended is swept out of the item."""
    room = WaitingRoom(table, clock, most=1)
    assert room.enter(lease("dead", clock), 1)
    assert not room.enter(lease("next", clock), 1)
    clock.now += 21
    assert room.enter(lease("later", clock), 1)
    assert [one.name for one in room.leases()] == ["lease_later"]


def test_with_room_nobody_is_written_down(table: LedgerTable, clock: FakeClock) -> None:
    """Who need not wait costs no request at all, as long as there is plenty of room."""
    alone = Waiter(WaitingRoom(table, clock, most=0), FLOOD, "default", clock, clock.sleep)
    alone.turn(Window(clock, free_at=clock() - 10), 20, 20, clock() + 20)
    alone.leave()
    assert WaitingRoom(table, clock, most=1).leases() == []


def test_a_hopeless_wait_is_refused_at_once(table: LedgerTable, clock: FakeClock) -> None:
    """A request whose turn would come after its deadline is refused at once, and takes no place."""
    before, room = clock(), WaitingRoom(table, clock, most=100)
    for number in range(10):
        room.enter(lease(str(number), clock, users=40), 50)
    with pytest.raises(RetryLater):
        waiter(table, clock, FLOOD).turn(Window(clock, free_at=clock() + 2), 20, 40, clock() + 20)
    assert (clock() - before < 1, len(room.leases())) == (True, 10)
    other = waiter(table, clock, QUIET)  # of another partner's as many as its own are ahead
    other.turn(Window(clock, free_at=clock() + 2), 20, 40, clock() + 20)
    assert clock() - before < 5


@pytest.mark.parametrize(
    ("lanes", "fault"), [((Lane.ON_DEMAND, Lane.BULK), RetryLater), ((Lane.ON_DEMAND,), TooManyRequests)]
)
def test_who_finds_no_place(
    table: LedgerTable, clock: FakeClock, lanes: tuple[Lane, ...], fault: type[Exception]
) -> None:
    """It becomes a lookup at once for who may have one, and is refused with when to come back for who may not."""
    partner = Partner("flood", lanes=lanes, waiting_requests=1)
    WaitingRoom(table, clock, most=100).enter(lease("one", clock), 1)
    with pytest.raises(fault) as caught:
        waiter(table, clock, partner).turn(Window(clock, free_at=clock() + 2), 1, 1, clock() + 20)
    assert getattr(caught.value, "reason", CROWDED) == CROWDED


def test_a_flood_fills_no_places(table: LedgerTable, clock: FakeClock) -> None:
    """A partner whose places are taken is turned away before it writes a lease that others would count for a moment."""
    partner, room = Partner("flood", waiting_requests=2), WaitingRoom(table, clock, most=100)
    for number in range(2):
        assert room.enter(lease(str(number), clock), 2)
    written = table.read([serialize(KEY)])
    with pytest.raises(RetryLater):
        waiter(table, clock, partner).turn(Window(clock, free_at=clock() + 2), 1, 1, clock() + 20)
    assert table.read([serialize(KEY)]) == written  # a lease that comes and goes leaves `looked_at`


@given(now=st.floats(0, 4e9), others=st.sets(st.text(min_size=1, max_size=3), max_size=8))
def test_each_partner_has_its_turn(now: float, others: set[str]) -> None:
    """Of the partners that wait exactly one has its turn, each within as many seconds as there are; alone always."""
    partners = others | {"me"}
    waits = {partner: seconds_until_turn(partner, partners, now) for partner in partners}
    assert sum(wait == 0 for wait in waits.values()) == 1
    assert all(0 <= wait <= TURN_SECONDS * len(partners) for wait in waits.values())
    assert seconds_until_turn("me", {"me"}, now) == 0


@pytest.mark.parametrize(
    ("flood", "sizes"),
    [(60, [20] * 9), (60, [1] * 9), (200, [7] * 9)],
    ids=["payloads", "ones", "odd"],
)
def test_a_flood_leaves_others_their_share(flood: int, sizes: list[int]) -> None:
    """Of what comes free while both wait, a partner gets half, however often the other requests, and however small."""
    clock, free, got = FakeClock(), 0.0, {"flood": 0, "quiet": 0}
    waiting = [("flood", 1)] * flood + [("quiet", size) for size in sizes]
    for _ in range(200):  # tenths of a second, in which 17 users a second come free
        clock.now += 0.1
        free += 1.7
        for number, (partner, left) in enumerate(waiting):
            partners = {name for name, rest in waiting if rest}
            if not left or len(partners) < 2 or seconds_until_turn(partner, partners, clock()) > 0:
                continue
            taken = min(left, int(free))
            waiting[number], free, got[partner] = (partner, left - taken), free - taken, got[partner] + taken
    assert got["quiet"] >= min(sum(sizes), 0.42 * sum(got.values()))


def test_partners_that_wait_take_turns(table: LedgerTable, clock: FakeClock) -> None:
    """Beside another waiting partner, a partner requests in turn what is free; alone it waits for all it needs."""
    room = WaitingRoom(table, clock, most=100)
    room.enter(lease("other", clock, "quiet", seconds=6), 50)
    one = waiter(table, clock, FLOOD)
    began = clock()
    window = Window(clock, free_at=clock() + 2, per_second=5)
    assert 1 <= one.turn(window, 20, 20, clock() + 30) < 20
    assert seconds_until_turn("flood", {"flood", "quiet"}, clock()) == 0
    clock.now = began + 7
    assert one.turn(window, 20, 20, clock() + 30) == 20
    one.leave()
    assert room.leases() == []
