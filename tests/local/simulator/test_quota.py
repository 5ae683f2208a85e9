"""The arithmetic of the quota: pure counters under a given clock, against models that are too slow but obvious."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.simulator.config import QuotaConfig
from infra.local.simulator.quota import quota_of

# Quarters of a second are exact as floats: model and counter meet on the bounds of the window.
gaps = st.lists(st.tuples(st.integers(0, 20).map(lambda quarters: quarters / 4), st.integers(1, 20)), max_size=80)
limits, windows = st.integers(1, 60), st.sampled_from([1.0, 2.5, 6.0])


@settings(deadline=None)
@given(calls=gaps, limit=limits, window=windows, count_refused=st.booleans())
def test_the_sliding_window_sums_the_last_seconds(
    *, calls: list[tuple[float, int]], limit: int, window: float, count_refused: bool
) -> None:
    """A call is accepted if and only if the users counted in the closed window before it leave room for it."""
    quota = quota_of(QuotaConfig("sliding", limit, window, count_refused))
    now, counted = 0.0, list[tuple[float, int]]()
    for gap, users in calls:
        now += gap
        room = limit - sum(used for time, used in counted if now - window <= time)
        assert quota.remaining(now) == max(0, room)
        assert quota.admit(now, users) is (users <= room)
        if users <= room or count_refused:
            counted.append((now, users))


@settings(deadline=None)
@given(calls=gaps, limit=limits, window=windows)
def test_no_window_wherever_it_lies_holds_more(calls: list[tuple[float, int]], limit: int, window: float) -> None:
    """The users accepted in any window, wherever it begins, are within the limit."""
    quota = quota_of(QuotaConfig("sliding", limit, window))
    now, accepted = 0.0, list[tuple[float, int]]()
    for gap, users in calls:
        now += gap
        if quota.admit(now, users):
            accepted.append((now, users))
    for start, _ in accepted:
        assert sum(users for time, users in accepted if start <= time <= start + window) <= limit


@settings(deadline=None)
@given(calls=gaps, limit=limits, window=windows)
def test_the_fixed_window_sums_the_window_of_the_clock(
    calls: list[tuple[float, int]], limit: int, window: float
) -> None:
    """A call is accepted if and only if its own window of the clock has room for it."""
    quota = quota_of(QuotaConfig("fixed", limit, window))
    now, counted = 0.0, list[tuple[float, int]]()
    for gap, users in calls:
        now += gap
        fits = users + sum(used for time, used in counted if time // window == now // window) <= limit
        assert quota.admit(now, users) is fits
        counted += [(now, users)] if fits else []


@settings(deadline=None)
@given(calls=gaps, mode=st.sampled_from(["sliding", "fixed"]), limit=limits, window=windows, users=st.integers(1, 20))
def test_there_is_room_when_it_says(
    calls: list[tuple[float, int]], mode: str, limit: int, window: float, users: int
) -> None:
    """Just after the time that `room_in` gives, a call that fits the limit at all is accepted, and not just before."""
    config = QuotaConfig(mode, limit, window)  # type: ignore[arg-type]  # sampled from the two modes
    quota, now = quota_of(config), 0.0
    for gap, size in calls:
        now += gap
        quota.admit(now, size)
    wait = quota.room_in(now, users)
    assert 0 <= wait <= window
    if users <= limit and wait > 0:
        assert quota.admit(now + wait - 0.01, users) is False
    if users <= limit:
        assert quota.admit(now + wait + 0.01, users) is True


def test_the_window_is_closed() -> None:
    """A call exactly one window ago still counts; a moment later it does not."""
    quota = quota_of(QuotaConfig("sliding", limit=10, window=60.0))
    assert [quota.admit(0.0, 10), quota.admit(60.0, 1), quota.admit(60.001, 1)] == [True, False, True]


def test_a_fixed_window_lets_a_burst_pass_over_its_bound() -> None:
    """Two full windows may be adjacent, as they may with the real vendor if its minute is fixed."""
    quota = quota_of(QuotaConfig("fixed", limit=10, window=60.0))
    assert [quota.admit(59.9, 10), quota.admit(59.95, 1), quota.admit(60.0, 10)] == [True, False, True]


def test_a_token_bucket_drips() -> None:
    """A full bucket empties at once and refills at limit / window a second, never over the limit."""
    quota = quota_of(QuotaConfig("token_bucket", limit=60, window=60.0))
    assert [quota.admit(0.0, 60), quota.admit(0.5, 1), quota.admit(10.0, 10), quota.admit(10.0, 1)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert quota.room_in(10.0, 5) == pytest.approx(5.0)
    assert quota.remaining(1000.0) == 60


def test_refused_calls_may_use_quota_too() -> None:
    """With `count_refused`, hammering keeps the window full."""
    quota = quota_of(QuotaConfig("sliding", limit=1, window=1.0))
    strict = quota_of(QuotaConfig("sliding", limit=1, window=1.0, count_refused=True))
    times = [0.0, 0.75, 1.5, 2.25]
    assert [quota.admit(time, 1) for time in times] == [True, False, True, False]
    assert [strict.admit(time, 1) for time in times] == [True, False, False, False]


def test_off_accepts_everything() -> None:
    """Without a quota nothing is refused."""
    quota = quota_of(QuotaConfig("off", limit=1))
    assert all(quota.admit(0.0, 20) for _ in range(1000))


@pytest.mark.parametrize("config", [QuotaConfig(limit=0), QuotaConfig(window=0.0), QuotaConfig("leaky")])  # type: ignore[arg-type]  # wrong on purpose
def test_senseless_quotas_are_refused(config: QuotaConfig) -> None:
    """A quota needs a known mode, a limit and a window."""
    with pytest.raises(ValueError, match="quota"):
        quota_of(config)
