"""The users of a partner's day: counted once each, never over the limit, anew at midnight UTC."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lookup.errors import DailyLimitExceeded
from lookup.ledger.table import LedgerTable
from lookup.ledger.usage.daily_usage import DailyUsage, DailyUsageCounter, limit_headers
from lookup.model import DAY
from lookup.partners import Partner
from tests.lookup.services import FakeClock
from tests.lookup.stage import Stage

ACME = Partner("acme", users_per_day=100)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def daily(stage: Stage, clock: FakeClock) -> DailyUsageCounter:
    table = LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=clock.sleep)
    return DailyUsageCounter(table, clock)


def used(use: DailyUsage | None) -> DailyUsage:
    """Return the count of a partner that is counted."""
    assert use is not None
    return use


def test_many_at_once(daily: DailyUsageCounter) -> None:
    """Of many requests at once exactly as many get through as the limit has room for."""

    def charged(_: int) -> int:
        try:
            daily.charge(ACME, 7)
        except DailyLimitExceeded:
            return 0
        return 7

    with ThreadPoolExecutor(8) as callers:
        total = sum(callers.map(charged, range(40)))
    assert (total, used(daily.today(ACME)).users) == (98, 98)


def test_what_is_refused_is_not_counted(daily: DailyUsageCounter, clock: FakeClock) -> None:
    """A refusal reports how many are left and until when, and leaves the count alone."""
    daily.charge(ACME, 60)
    with pytest.raises(DailyLimitExceeded) as caught:
        daily.charge(ACME, 41)
    assert (caught.value.left, caught.value.limit, caught.value.retry_at % DAY) == (40, 100, 0)
    assert used(daily.charge(ACME, 40)).left == 0
    with pytest.raises(DailyLimitExceeded):
        daily.charge(ACME, 101)


def test_a_new_day(daily: DailyUsageCounter, clock: FakeClock) -> None:
    """At midnight UTC the count starts anew; a refund of yesterday's charge leaves today's count alone."""
    yesterday = used(daily.charge(ACME, 100))
    clock.now = yesterday.resets_at
    assert used(daily.today(ACME)).users == 0
    today = used(daily.charge(ACME, 7))
    assert daily.refund(ACME, yesterday, 5).users == 95
    assert used(daily.today(ACME)).users == 7
    assert daily.refund(ACME, today, 7).users == used(daily.today(ACME)).users == 0


def test_nothing_is_refunded_twice(daily: DailyUsageCounter) -> None:
    """A count never falls below nothing."""
    charged = used(daily.charge(ACME, 3))
    daily.refund(ACME, charged, 3)
    daily.refund(ACME, charged, 3)
    assert used(daily.today(ACME)).users == 0


def test_without_a_limit(daily: DailyUsageCounter) -> None:
    """A partner without a limit is never refused and not counted; partners are counted apart."""
    free, other = Partner("free"), Partner("other", users_per_day=10)
    assert daily.charge(free, 1_000_000) is None
    assert daily.today(free) is None
    daily.charge(other, 10)
    assert used(daily.today(ACME)).users == 0


def test_the_fields() -> None:
    """The headers: policy and remainder; the policy alone, also when the day is over; none."""
    policy = '"daily";q=100;w=86400;qu="users"'
    assert limit_headers(DailyUsage(30, 100, 50.0), 9.5) == {
        "RateLimit-Policy": policy,
        "RateLimit": '"daily";r=70;t=41',
    }
    assert limit_headers(DailyUsage(30, 100, 50.0), 50.0) == {"RateLimit-Policy": policy}
    assert limit_headers(None, 0.0, limit=100) == {"RateLimit-Policy": policy}
    assert limit_headers(None, 0.0) == {}
