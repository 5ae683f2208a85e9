"""Estimates: never before the quota allows it, never later than all the backlog, sooner for who weighs more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.bulk.estimates import BULK_SHARE, Backlog, Estimates, PendingLookup, backlog_of, estimate, pending_of
from lookup.ledger.model import turn_of
from lookup.ledger.shares import Share
from lookup.model import Counts
from lookup.quota import Quota
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

QUOTA = Quota()
RATE = BULK_SHARE * QUOTA.limit / QUOTA.window
NOW = 1_795_460_400.0
SHARES = st.lists(
    st.builds(
        Share,
        st.sampled_from("bcdefg"),
        weight=st.integers(1, 10),
        users=st.integers(-5, 10**7),
        running=st.integers(0, 3),
    ),
    max_size=5,
    unique_by=lambda one: one.partner,
)
BACKLOGS = st.builds(Backlog, st.integers(-5, 2000), SHARES)


@st.composite
def waits(draw: st.DrawFn) -> PendingLookup:
    """Draw a lookup of partner a."""
    users = draw(st.integers(0, 10**7))
    return PendingLookup("one", "a", draw(st.integers(1, 10)), float(users), float(users), 0.0, is_submitted=False)


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


def seconds(one: PendingLookup, ahead: float, backlog: Backlog) -> float:
    return estimate(one, ahead, backlog, QUOTA, NOW).done_at - NOW


def estimates_of(services: BulkServices, opens_at: float = 0.0) -> Estimates:
    return Estimates(services.lookups, services.stage.settings, opens_at=lambda _: opens_at, clock=services.clock)


def test_a_closed_gate_is_waited_for(services: BulkServices) -> None:
    """While the gate is closed, an estimate begins at its reopening."""
    opens_at = services.clock.now + 3600
    for moment in (opens_at, 0.0):
        begins_at = max(moment, services.clock.now)
        new = PendingLookup("new", "acme", 1, 950.0, 950.0, services.clock.now, is_submitted=False)
        assert estimates_of(services, moment).of("default", new).done_at == pytest.approx(begins_at + 60)


def test_what_is_retried_is_waited_for(services: BulkServices) -> None:
    """A retry still has to request what failed."""
    spec = services.submit("one", services.roster(b"C-1\nC-2\nC-3\n"))
    services.feeder.feed("default")
    (part,) = services.taken()
    services.part_ledger.count_completed([counted(part, Counts(3, found=1, failed=2))], "results/none")
    services.ending.finish_if_done("one")
    ended = services.lookups.get("one")
    assert ended is not None
    assert pending_of(ended).users == 0
    assert services.states.retry_failed(spec, ended.cursor)
    backlog = backlog_of(services.lookups, "default")
    assert (backlog.users, backlog.lookups) == (2, 1)
    retried = services.lookups.get("one")
    assert retried is not None
    assert pending_of(retried).users == 2


def test_what_is_ahead(services: BulkServices) -> None:
    """Ahead are a partner's own lookups of an earlier turn, what is on the queue, and the others by their weights."""
    for name, lines, partner in (("first", 300, "a"), ("large", 5000, "a"), ("other", 5000, "b")):
        roster = services.roster(b"".join(b"user-%d\n" % number for number in range(lines)), f"rosters/{name}")
        services.submit(name, roster, partner=partner)
    new = PendingLookup("new", "a", 1, 500.0, 500.0, turn_of(services.clock(), 500), is_submitted=False)
    assert estimates_of(services).of("default", new).users_ahead == 300 + 800
    assert services.feeder.feed_first("default", "other") == 100
    assert estimates_of(services).of("default", new).users_ahead == 100 + 300 + 800
    assert estimates_of(services).backlog("default").users == 10_300


@given(waits(), st.integers(0, 10**7), BACKLOGS)
def test_bounds(one: PendingLookup, ahead: float, backlog: Backlog) -> None:
    """A lookup is done not before its own users are through, and not after everybody's are."""
    total = one.users + ahead + backlog.users
    end = seconds(one, ahead, backlog)
    assert one.users / RATE - 1e-3 <= end <= total / RATE + 1e-3


@given(waits(), st.integers(0, 10**7), BACKLOGS, st.integers(2, 10))
def test_more_weight_is_no_later(one: PendingLookup, ahead: float, backlog: Backlog, times: int) -> None:
    """When a partner's weight grows, its lookup is done no later."""
    heavier = replace(one, weight=one.weight * times)
    assert seconds(heavier, ahead, backlog) <= seconds(one, ahead, backlog) + 1e-3


@given(waits(), st.integers(0, 10**7), BACKLOGS)
def test_users_ahead(one: PendingLookup, ahead: float, backlog: Backlog) -> None:
    """Ahead of a lookup are the users that others are served before it is done."""
    read = estimate(one, ahead, backlog, QUOTA, NOW)
    assert read.users == one.users
    assert (read.done_at - NOW) * RATE == pytest.approx(read.users_ahead + read.users, abs=1)
    assert 0 <= read.users_ahead <= ahead + backlog.users + 1


def test_a_worked_example() -> None:
    """Of two equal partners, 1,000 users wait for as many of the other's: 2,000 at the rate that bulk gets."""
    backlog = Backlog(0, [Share("b", users=9000)])
    read = estimate(PendingLookup("mine", "a", 1, 1000.0, 1000.0, 0.0), 0.0, backlog, QUOTA, NOW)
    assert read.done_at - NOW == pytest.approx(2000 / RATE)
    assert (read.users_ahead, read.users) == (1000, 1000)
    assert read.share_of_day == pytest.approx(1000 / 1_440_000)


def test_nothing_to_do() -> None:
    """A lookup without users left is done now."""
    read = estimate(PendingLookup("mine", "a", 1, 0.0, 0.0, 0.0), 0.0, Backlog(50, []), QUOTA, NOW)
    assert (read.done_at, read.users_ahead, read.users) == (NOW, 0, 0)
