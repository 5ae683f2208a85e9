"""A lookup is charged by its estimate when it is accepted, and by its users when it has ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lookup.ledger.model import LookupSpec
from lookup.ledger.usage.daily_usage import DailyUsage
from lookup.model import Counts
from lookup.partners import Partner
from tests.lookup.services import BulkServices, counted
from tests.lookup.stage import Stage

ACME = Partner("acme", users_per_day=1000)


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


def used(services: BulkServices) -> int:
    use = services.daily.today(ACME)
    assert isinstance(use, DailyUsage)
    return use.users


def submitted(services: BulkServices, body: bytes, *, estimate: int) -> LookupSpec:
    """Submit a roster under an estimate that is charged."""
    use = services.daily.charge(ACME, estimate)
    assert use is not None
    roster = replace(services.roster(body), entries=estimate)
    spec = LookupSpec("one", "default", "acme", services.clock(), roster, charged=use.charge(estimate))
    assert services.lookups.submit(spec)
    services.feeder.feed("default")
    return spec


@pytest.mark.parametrize("estimate", [1, 3, 700])
def test_the_estimate_is_settled_at_the_end(services: BulkServices, estimate: int) -> None:
    """Whether it was too low, right or too high: what stays charged are the users of the roster, without its junk."""
    services.daily.charge(ACME, 10)
    submitted(services, b"C-1\nC-2\nnull\nC-3\n", estimate=estimate)
    assert used(services) == 10 + estimate
    services.count()
    assert used(services) == 10 + 3


def test_a_lookup_of_junk_takes_one_user(services: BulkServices) -> None:
    """Whoever asks for nobody is charged for one user, at the end, too: lookups without users would have no limit."""
    submitted(services, b"null\nunknown\n", estimate=2)
    services.count()
    assert used(services) == 1


def test_it_is_settled_once(services: BulkServices) -> None:
    """Of many workers that look at once whether all is in, one ends and settles the lookup."""
    submitted(services, b"C-1\nC-2\n", estimate=500)
    (part,) = services.taken()
    services.part_ledger.count_completed([counted(part, Counts(2, found=2))], "results/none")
    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(lambda _: services.ending.finish_if_done("one"), range(16))) == 1
    assert used(services) == 2


def test_a_retry_is_not_settled_again(services: BulkServices) -> None:
    """What failed was charged with the first round; when it is requested once more the count stays."""
    spec = submitted(services, b"C-1\nC-2\n", estimate=500)
    (part,) = services.taken()
    services.part_ledger.count_completed([counted(part, Counts(2, found=1, failed=1))], "results/none")
    assert services.ending.finish_if_done("one")
    progress = services.lookups.get("one")
    assert progress is not None
    assert services.states.retry_failed(spec, progress.cursor)
    services.feeder.feed("default")
    assert len(services.count()) == 1
    services.feeder.feed("default")
    ended = services.lookups.get("one")
    assert ended is not None
    assert ended.finished_at is not None
    assert used(services) == 2


def test_a_cancelled_lookup_is_charged_for_what_was_fed(services: BulkServices) -> None:
    """What was not fed is refunded when the lookup has ended, but for the one user that each lookup takes."""
    services.is_closed = True
    spec = submitted(services, b"".join(b"C-%d\n" % number for number in range(300)), estimate=300)
    assert services.states.cancel(spec)
    assert services.ending.finish_if_done("one")
    assert used(services) == 1


def test_yesterdays_lookup_is_settled_on_its_day(services: BulkServices) -> None:
    """A lookup that ends after midnight corrects the day that it was charged to, and leaves today alone."""
    spec = submitted(services, b"C-1\n", estimate=500)
    assert spec.charged is not None
    services.clock.now += 24 * 3600
    services.daily.charge(ACME, 5)
    services.count()
    assert used(services) == 5
    services.clock.now -= 24 * 3600
    assert used(services) == 1


def test_what_was_not_charged_is_not_settled(services: BulkServices) -> None:
    """A partner without a limit, and a request that was charged before it became a lookup, are left alone."""
    services.submit("free", services.roster(b"C-1\nC-2\n"))
    services.feeder.feed("default")
    services.count()
    assert used(services) == 0
