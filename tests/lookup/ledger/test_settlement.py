"""A lookup is charged by its estimate when it is accepted, and by its users when it has ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lookup.ledger.daily_usage import DailyUsage
from lookup.ledger.model import LookupSpec
from lookup.model import Counts
from lookup.partners import Partner
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

ACME = Partner("acme", users_per_day=1000)


@pytest.fixture
def desk(stage: Stage) -> BulkServices:
    return BulkServices(stage)


def used(desk: BulkServices) -> int:
    use = desk.daily.today(ACME)
    assert isinstance(use, DailyUsage)
    return use.users


def submitted(desk: BulkServices, body: bytes, *, estimate: int) -> LookupSpec:
    """Submit a roster under an estimate that is charged."""
    use = desk.daily.charge(ACME, estimate)
    assert use is not None
    roster = replace(desk.roster(body), entries=estimate)
    spec = LookupSpec("one", "default", "acme", desk.clock(), roster, charged=use.charge(estimate))
    assert desk.lookups.submit(spec)
    desk.feeder.feed("default")
    return spec


@pytest.mark.parametrize("estimate", [1, 3, 700])
def test_the_estimate_is_settled_at_the_end(desk: BulkServices, estimate: int) -> None:
    """Whether it was too low, right or too high: what stays charged are the users of the roster, without its junk."""
    desk.daily.charge(ACME, 10)
    submitted(desk, b"C-1\nC-2\nnull\nC-3\n", estimate=estimate)
    assert used(desk) == 10 + estimate
    desk.count()
    assert used(desk) == 10 + 3


def test_it_is_settled_once(desk: BulkServices) -> None:
    """Of many workers that look at once whether all is in, one ends and settles the lookup."""
    submitted(desk, b"C-1\nC-2\n", estimate=500)
    (part,) = desk.taken()
    desk.part_ledger.count_completed([counted(part, Counts(2, found=2))], "results/none")
    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(lambda _: desk.ending.finish_if_done("one"), range(16))) == 1
    assert used(desk) == 2


def test_a_retry_is_not_settled_again(desk: BulkServices) -> None:
    """What failed was charged with the first round; when it is asked once more the count stays."""
    spec = submitted(desk, b"C-1\nC-2\n", estimate=500)
    (part,) = desk.taken()
    desk.part_ledger.count_completed([counted(part, Counts(2, found=1, failed=1))], "results/none")
    assert desk.ending.finish_if_done("one")
    progress = desk.lookups.get("one")
    assert progress is not None
    assert desk.states.retry_failed(spec, progress.cursor)
    desk.feeder.feed("default")
    assert len(desk.count()) == 1
    desk.feeder.feed("default")
    ended = desk.lookups.get("one")
    assert ended is not None
    assert ended.finished_at is not None
    assert used(desk) == 2


def test_a_cancelled_lookup_is_charged_for_what_was_fed(desk: BulkServices) -> None:
    """What was not fed is given back when the lookup has ended."""
    desk.is_closed = True
    spec = submitted(desk, b"".join(b"C-%d\n" % number for number in range(300)), estimate=300)
    assert desk.states.cancel(spec)
    assert desk.ending.finish_if_done("one")
    assert used(desk) == 0


def test_yesterdays_lookup_is_settled_on_its_day(desk: BulkServices) -> None:
    """A lookup that ends after midnight corrects the day that it was charged to, and leaves today alone."""
    spec = submitted(desk, b"C-1\n", estimate=500)
    assert spec.charged is not None
    desk.clock.now += 24 * 3600
    desk.daily.charge(ACME, 5)
    desk.count()
    assert used(desk) == 5
    desk.clock.now -= 24 * 3600
    assert used(desk) == 1


def test_what_was_not_charged_is_not_settled(desk: BulkServices) -> None:
    """A partner without a limit, and a request that was charged before it became a lookup, are left alone."""
    desk.submit("free", desk.roster(b"C-1\nC-2\n"))
    desk.feeder.feed("default")
    desk.count()
    assert used(desk) == 0
