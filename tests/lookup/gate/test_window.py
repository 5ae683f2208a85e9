"""The arithmetic of the window on a copy of the item."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.gate.window import Capacity, NoCapacity, Snapshot, capacity, granted_before, limit_now, needed_span
from lookup.model import Lane
from lookup.quota import Quota

NOW = 1_800_000_000.0
QUOTA = Quota(window=59.5)  # with slots of exactly a second
FREE_AFTER = 60.5  # seconds: the window and the guard
MOMENT = 1e-5  # seconds


def item_after(grants: list[tuple[float, int]], quota: Quota = QUOTA) -> Snapshot:
    """Write grants, given in the order the item saw them, as the item does."""
    granted, baselines = 0, dict[int, int]()
    for effective_at, users in grants:
        baselines.setdefault(int(effective_at // quota.slot), granted)
        granted += users
    return Snapshot(granted=granted, baselines=baselines)


grants_out_of_order = st.lists(st.tuples(st.floats(NOW - 100, NOW), st.integers(1, 20)), max_size=60)


@given(grants=grants_out_of_order, cutoff=st.floats(NOW - 110, NOW + 1), known=st.integers(0, 60))
def test_granted_at_never_overestimates(grants: list[tuple[float, int]], cutoff: float, known: int) -> None:
    """Whatever the order of the grants and the age of the copy, no grant after the cutoff counts as before it."""
    old_copy = item_after(grants[:known])
    assert granted_before(old_copy, QUOTA, cutoff) <= sum(
        users for effective_at, users in grants if effective_at <= cutoff
    )


@given(window=st.floats(2, 120), skew=st.floats(0, 0.5), age=st.floats(0, 240), behind=st.floats(0, 1))
def test_no_mark_is_dropped_that_the_slowest_clock_needs(window: float, skew: float, age: float, behind: float) -> None:
    """A baseline that counts by a clock as far behind as the guard covers is needed, however `Date` cuts the second."""
    quota = Quota(window=window, clock_skew=skew, guard=2 * skew + 0.5, pace_window=window / 2)
    start = NOW - skew - quota.guarded - quota.slot + MOMENT + age * quota.slot / 4
    since, until = needed_span(quota, NOW - behind)
    assert start + quota.slot > since
    assert start <= until


@given(grants=grants_out_of_order, users=st.integers(1, 20), lane=st.sampled_from(Lane))
def test_retry_at_is_when_there_is_room(grants: list[tuple[float, int]], users: int, lane: Lane) -> None:
    """At `until` the same copy has room, and just before it had not: nobody waits too long or wakes for nothing."""
    quota = replace(QUOTA, limit=100)
    copy = item_after(grants)
    answer = capacity(copy, quota, lane, users, NOW)
    if isinstance(answer, NoCapacity):
        assert answer.until > NOW
        assert isinstance(capacity(copy, quota, lane, users, answer.until + 1e-6), Capacity)
        assert isinstance(capacity(copy, quota, lane, users, answer.until - 1e-3), NoCapacity)


def test_idle_item_has_the_whole_window() -> None:
    """A ring full of baselines of before an idle gap leaves the whole window free."""
    copy = item_after([(NOW - 300 + second, 16) for second in range(62)])
    assert capacity(copy, QUOTA, Lane.ON_DEMAND, 20, NOW) == Capacity(20, copy.granted + 980)


def test_slot_shared_by_clocks_out_of_order() -> None:
    """A grant by a slow clock, made after one by a fast clock, stays in the window until the later slot is out."""
    copy = item_after([(NOW, 20), (NOW + 1, 20), (NOW, 20)])
    assert granted_before(copy, QUOTA, NOW + 1) == 20
    assert granted_before(copy, QUOTA, NOW + 2) == 60


def test_no_room_before_the_oldest_slot_leaves() -> None:
    """A full window has room again when its oldest slot's end is a window and a guard ago."""
    copy = item_after([(NOW + second, 20) for second in range(50)])
    for users in (1, 20):
        assert capacity(copy, QUOTA, Lane.ON_DEMAND, users, NOW + 55) == NoCapacity(NOW + 1 + FREE_AFTER)
    assert capacity(copy, QUOTA, Lane.ON_DEMAND, 20, NOW + 62) == Capacity(20, 1000)


@pytest.mark.parametrize(("on_demand", "free"), [(0, 8), (1, 0)])
def test_bulk_leaves_headroom(on_demand: int, free: int) -> None:
    """Bulk leaves 20 users while on-demand traffic was seen within the window, else 2."""
    spread = item_after([(NOW - 50 + second, 19) for second in range(50)] + [(NOW - 50, 30)])
    copy = replace(spread, on_demand=on_demand, on_demand_baselines={int(NOW - 30) // 10: 0} if on_demand else {})
    assert copy.granted == 980
    answer = capacity(copy, QUOTA, Lane.BULK, 20, NOW + 5)
    assert answer == (Capacity(18, 980) if free else NoCapacity(NOW - 49 + FREE_AFTER))


def test_rest_of_work_may_use_the_quiet_headroom() -> None:
    """While nobody waits, a small rest of bulk work takes what is left instead of waiting for a slot to leave."""
    copy = item_after([(NOW - 50 + second, 20) for second in range(48)] + [(NOW, 38)])
    assert capacity(copy, QUOTA, Lane.BULK, 2, NOW + 5) == Capacity(2, 998)


def test_bulk_is_paced() -> None:
    """On an idle quota bulk gets 80 users in three seconds and a slot, on_demand what it wants."""
    copy = item_after([(NOW, 20)] * 4)
    assert capacity(copy, QUOTA, Lane.BULK, 20, NOW + 0.5) == NoCapacity(NOW + 4)
    assert capacity(copy, QUOTA, Lane.ON_DEMAND, 20, NOW + 0.5) == Capacity(20, 980)


def test_bulk_is_paced_over_a_quarter_of_the_window() -> None:
    """Of what is free, bulk gets 14 full payloads in fifteen seconds and a slot, so that it comes free evenly later."""
    copy = item_after([(NOW + second, 19) for second in range(14)])
    assert copy.granted == 266
    assert capacity(copy, QUOTA, Lane.BULK, 7, NOW + 14) == Capacity(7, 273)
    assert capacity(copy, QUOTA, Lane.BULK, 20, NOW + 14) == NoCapacity(NOW + 1 + QUOTA.window / 4)
    assert capacity(copy, QUOTA, Lane.ON_DEMAND, 20, NOW + 14) == Capacity(20, 980)


def test_bulk_takes_a_part_of_its_request() -> None:
    """Bulk takes fewer than it requested, but not fewer than 17."""
    assert capacity(item_after([(NOW, 63)]), QUOTA, Lane.BULK, 20, NOW + 0.5) == Capacity(17, 63)
    assert capacity(item_after([(NOW, 64)]), QUOTA, Lane.BULK, 20, NOW + 0.5) == NoCapacity(NOW + 4)
    assert capacity(item_after([(NOW, 64)]), QUOTA, Lane.BULK, 16, NOW + 0.5) == Capacity(16, 64)


def test_bulk_takes_less_beside_on_demand() -> None:
    """14 users are enough for bulk while on-demand traffic was seen within the window, 17 are wanted otherwise."""
    copy = replace(item_after([(NOW, 66)]), on_demand=1, on_demand_baselines={int(NOW // 10): 0})
    assert capacity(copy, QUOTA, Lane.BULK, 20, NOW + 0.5) == Capacity(14, 66)
    assert capacity(replace(copy, granted=67), QUOTA, Lane.BULK, 20, NOW + 0.5) == NoCapacity(NOW + 4)
    assert capacity(replace(copy, on_demand_baselines={}), QUOTA, Lane.BULK, 20, NOW + 0.5) == NoCapacity(NOW + 4)


def test_bulk_of_a_small_limit_takes_what_is_left() -> None:
    """A fiftieth of the limit is enough for a bulk call: the 8 left of 30, the 9 beside one person, not 4 of 250."""
    small = replace(QUOTA, limit=30)
    assert capacity(item_after([(NOW - 20, 20)]), small, Lane.BULK, 20, NOW) == Capacity(8, 20)
    beside = replace(item_after([(NOW - 20, 1)]), on_demand=1, on_demand_baselines={int(NOW - 20) // 10: 0})
    assert capacity(beside, small, Lane.BULK, 20, NOW) == Capacity(9, 1)
    paced = item_after([(NOW - 1, 16)])
    assert capacity(paced, replace(QUOTA, limit=250), Lane.BULK, 20, NOW) == NoCapacity(NOW + 3)
    assert capacity(replace(paced, granted=15), replace(QUOTA, limit=250), Lane.BULK, 20, NOW) == Capacity(5, 15)


@given(limit=st.integers(1, 60), lowered=st.integers(1, 60), users=st.integers(1, 20), lane=st.sampled_from(Lane))
def test_small_limits_still_give_something(limit: int, lowered: int, users: int, lane: Lane) -> None:
    """However small the limit, a request to an idle gate gets at least one user."""
    quota = Quota(limit=limit, headroom=min(20, limit - 1), quiet_headroom=min(2, limit - 1))
    answer = capacity(Snapshot(lowered_to=max(lowered, quota.headroom + 1)), quota, lane, users, NOW)
    assert isinstance(answer, Capacity)
    assert 1 <= answer.users <= users


def test_lowered_limit_grows_back_by_time() -> None:
    """A lowered limit grows in a straight line, over ten minutes, without anybody writing."""
    copy = Snapshot(lowered_to=500, lowered_at=NOW)
    limits = [limit_now(copy, Quota(), NOW + seconds) for seconds in (-5, 0, 60, 300, 600, 9000)]
    assert limits == [500, 500, 550, 750, 1000, 1000]
