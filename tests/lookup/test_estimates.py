"""Estimates: never before the quota allows it, never later than all the backlog, sooner for who weighs more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lookup.estimates import USED, Estimates, Waiting, backlog_of, estimate, waiting
from lookup.ledger_parts import Arrived
from lookup.model import Counts
from lookup.quota import Quota
from tests.lookup.road import Desk
from tests.lookup.stage import Stage

QUOTA = Quota()
RATE = USED * QUOTA.limit / QUOTA.window
NOW = 1_795_460_400.0
ONE = st.builds(
    Waiting,
    st.uuids().map(str),
    st.sampled_from("abc"),
    st.integers(1, 10),
    st.integers(0, 10**7).map(float),
)


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


@st.composite
def backlogs(draw: st.DrawFn) -> list[Waiting]:
    """Draw lookups; a partner has one weight."""
    weights = {name: draw(st.integers(1, 10)) for name in "abc"}
    drawn = draw(st.lists(ONE, min_size=1, max_size=6, unique_by=lambda one: one.lookup_id))
    return [replace(one, weight=weights[one.partner]) for one in drawn]


def seconds(backlog: list[Waiting], lookup_id: str) -> float:
    return estimate(lookup_id, backlog, QUOTA, NOW).done_at - NOW


def test_a_closed_gate_is_waited_for(desk: Desk) -> None:
    """While MoEngage is not asked, an estimate begins when it is asked again."""
    opens_at = desk.clock.now + 3600
    for moment in (opens_at, 0.0):
        estimates = Estimates(
            desk.lookups, desk.stage.settings, opens_at={"default": moment}.__getitem__, clock=desk.clock
        )
        begins_at = max(moment, desk.clock.now)
        assert estimates.of("default", Waiting("new", "acme", 1, 950.0)).done_at == pytest.approx(begins_at + 60)


def test_what_is_retried_is_waited_for(desk: Desk) -> None:
    """A retry still has to ask for what had failed."""
    spec = desk.submit("one", desk.roster(b"C-1\nC-2\nC-3\n"))
    desk.feeder.feed("default")
    (part,) = desk.taken()
    desk.ledger.arrive([Arrived(part, Counts(3, found=1, failed=2), "results/none")])
    desk.ending.check("one")
    ended = desk.lookups.progress("one")
    assert ended is not None
    assert waiting(ended).users == 0
    assert desk.states.retry_failed(spec, ended.cursor)
    assert [one.users for one in backlog_of(desk.lookups, "default")] == [2]


@given(backlogs())
def test_bounds(backlog: list[Waiting]) -> None:
    """A lookup is done not before its own users are through, and not after everybody's are; the last one just then."""
    total = sum(one.users for one in backlog)
    ends = [seconds(backlog, one.lookup_id) for one in backlog]
    for one, end in zip(backlog, ends, strict=True):
        assert end >= one.users / RATE - 1e-3
        assert end <= total / RATE + 1e-3
    assert max(ends) == pytest.approx(total / RATE, abs=1e-3)


@given(backlogs(), st.integers(2, 10))
def test_more_weight_is_no_later(backlog: list[Waiting], times: int) -> None:
    """When a partner's weight grows, its only lookup is done no later."""
    mine = backlog[0]
    assume(all(one.partner != mine.partner for one in backlog[1:]))
    heavier = [replace(mine, weight=mine.weight * times), *backlog[1:]]
    assert seconds(heavier, mine.lookup_id) <= seconds(backlog, mine.lookup_id) + 1e-3


@given(backlogs())
def test_users_ahead(backlog: list[Waiting]) -> None:
    """Ahead of a lookup are the users that others are served before it is done."""
    for one in backlog:
        read = estimate(one.lookup_id, backlog, QUOTA, NOW)
        assert read.users == one.users
        assert (read.done_at - NOW) * RATE == pytest.approx(read.users_ahead + read.users, abs=1)
        assert 0 <= read.users_ahead <= sum(other.users for other in backlog) - one.users + 1


def test_a_worked_example() -> None:
    """Of two equal partners, 1,000 users wait for as many of the other's: 2,000 at the rate that bulk gets."""
    backlog = [Waiting("mine", "a", 1, 1000.0), Waiting("theirs", "b", 1, 9000.0)]
    read = estimate("mine", backlog, QUOTA, NOW)
    assert read.done_at - NOW == pytest.approx(2000 / RATE)
    assert (read.users_ahead, read.users) == (1000, 1000)
    assert read.share_of_day == pytest.approx(1000 / 1_440_000)


def test_nothing_to_do() -> None:
    """A lookup without users left is done now."""
    read = estimate("mine", [Waiting("mine", "a", 1, 0.0)], QUOTA, NOW)
    assert (read.done_at, read.users_ahead, read.users) == (NOW, 0, 0)
