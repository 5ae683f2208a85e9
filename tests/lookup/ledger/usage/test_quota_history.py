"""What was granted, minute by minute: samples of counters that only grow, in rings."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.ledger.table import LedgerTable
from lookup.ledger.usage.quota_history import QuotaHistories, QuotaHistory, Sample, period
from lookup.model import DAY, Period
from tests.lookup.stage import Stage

START = 1_800_000_000.0


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def histories(stage: Stage, clock: Clock) -> QuotaHistories:
    return QuotaHistories(
        LedgerTable(stage.dynamodb, stage.settings.ledger_table_name, clock=clock, sleep=time.sleep), clock
    )


def test_each_minute_is_a_step(histories: QuotaHistories, clock: Clock) -> None:
    """The steps are what the counters grew by between samples; a tick that did not come makes a longer one."""
    for seconds, users, on_demand in ((0, 100, 10), (61, 1080, 30), (240, 2000, 30)):
        clock.now = START + seconds
        histories.record("default", users, on_demand)
    assert histories.of("default").steps(60) == [
        Period(START, START + 61, on_demand=20, bulk=960),
        Period(START + 61, START + 240, on_demand=0, bulk=920),
    ]
    assert len(histories.of("default").steps(1)) == 1
    assert (histories.of("other").steps(60), histories.of("other").last_day()) == ([], None)


def test_rings_hold_an_hour_and_a_day(histories: QuotaHistories, clock: Clock) -> None:
    """After a day and a half of ticks there are 60 steps of a minute, and the last day, to half an hour."""
    for minute in range(0, 36 * 60, 7):  # each 7th: the rings take whatever comes
        clock.now = START + minute * 60
        histories.record("default", minute * 900, minute * 5)
    for minute in range(36 * 60, 36 * 60 + 70):
        clock.now = START + minute * 60
        histories.record("default", minute * 900, minute * 5)
    history = histories.of("default")
    assert [(one.on_demand, one.bulk) for one in history.steps(60)] == [(5, 895)] * 60
    day = history.last_day()
    assert day is not None
    assert day.end == clock.now
    assert abs(day.end - day.start - DAY) <= 1800
    assert day.on_demand + day.bulk == (day.end - day.start) / 60 * 900


def test_what_ticks_left_long_ago_is_no_history(histories: QuotaHistories, clock: Clock) -> None:
    """Samples of before a long pause are neither minutes of the last hour nor hours of the last day."""
    histories.record("default", 100, 10)
    clock.now += 3 * DAY
    histories.record("default", 500, 10)
    assert histories.of("default").steps(60) == []
    assert histories.of("default").last_day() is None


def test_the_item_is_small(stage: Stage, histories: QuotaHistories, clock: Clock) -> None:
    """With full rings and the counters of decades a tick writes three units."""
    for minute in range(27 * 60):
        if minute % 60 == 59 or minute >= 26 * 60 - 5:
            clock.now = START + minute * 60
            histories.record("default", 98_765_432_109, 87_654_321_098)
    (item,) = (
        one
        for one in stage.dynamodb.scan(TableName=stage.settings.ledger_table_name)["Items"]
        if one["sk"]["S"] == "history"
    )
    lists = {name: value["L"] for name, value in item.items() if "L" in value}
    size = sum(len(name) + 3 + sum(1 + 1 + (len(one["N"]) + 1) // 2 for one in value) for name, value in lists.items())
    assert len(lists) == 64 + 26
    assert size + len("gate#") + 32 + len("history") + 4 <= 3 * 1024


COUNTERS = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 100)), min_size=2, max_size=40)


@given(COUNTERS, st.integers(0, 39))
def test_no_user_is_counted_twice_or_lost(grown: list[tuple[int, int]], reset: int) -> None:
    """Whatever was granted between the first and the last sample is in the steps, also when the item began anew."""
    users = on_demand = 0
    samples, expected = [], [0, 0]
    for number, (bulk, more) in enumerate(grown):
        if number == reset:
            users = on_demand = 0
        users, on_demand = users + bulk + more, on_demand + more
        samples.append(Sample(START + 60 * number, users, on_demand))
        if number and (number != reset or users < samples[-2].users):
            expected = [expected[0] + more, expected[1] + bulk]
    periods = QuotaHistory(minutes=samples).steps(60)
    assert all(one.bulk >= 0 and one.on_demand >= 0 for one in periods)
    if not 0 < reset < len(grown):
        assert [sum(one.on_demand for one in periods), sum(one.bulk for one in periods)] == expected


def test_a_counter_that_began_anew_counts_from_zero() -> None:
    """When the gate's item was deleted, what the new one has granted is what there was."""
    assert period(Sample(0, 5000, 40), Sample(60, 300, 7)) == Period(0, 60, on_demand=7, bulk=293)
