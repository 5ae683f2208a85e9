"""Open uploads: at most so many of a partner end in the time to come, and counting one is one write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lookup.errors import LimitExceeded
from lookup.ledger.table import LedgerTable
from lookup.rosters.uploads import OpenUploads
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage

GOOD_FOR = 900.0


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


def of(services: BulkServices, most: int) -> OpenUploads:
    stage = services.stage
    table = LedgerTable(
        stage.dynamodb, stage.settings.ledger_table_name, clock=services.clock, sleep=services.clock.sleep
    )
    return OpenUploads(table, most)


def counted(uploads: OpenUploads, partner: str, ends_at: float) -> bool:
    try:
        uploads.count(partner, ends_at)
    except LimitExceeded:
        return False
    return True


def test_room_comes_back_as_uploads_end(services: BulkServices) -> None:
    """Three are open; each that ends makes room for one, and another partner's are its own."""
    uploads, begin = of(services, 3), services.clock.now
    for number in range(3):
        assert counted(uploads, "acme", begin + GOOD_FOR + 10 * number)
    assert not counted(uploads, "acme", begin + GOOD_FOR)
    assert counted(uploads, "globex", begin + GOOD_FOR)
    services.clock.now = begin + GOOD_FOR + 11
    ends = services.clock.now + GOOD_FOR
    assert [counted(uploads, "acme", ends) for _ in range(3)] == [True, True, False]


def test_of_many_at_once_no_more_than_may(services: BulkServices) -> None:
    """Uploads that expire in the same second are counted separately, also when requested concurrently."""
    uploads, ends = of(services, 3), services.clock.now + GOOD_FOR
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: counted(uploads, "acme", ends), range(16)))
    assert sum(taken) == 3
