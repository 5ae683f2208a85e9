"""Dead letters redriven page by page: each page is bounded, and nothing in it is lost or sent twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lookup.model import Clock
from lookup.redrive.cases import Action
from lookup.redrive.decisions import decisions
from lookup.redrive.paged import PAGE, PagedRedrive, QueueUrls, RedrivenPage
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


@pytest.fixture
def redrive(services: BulkServices) -> PagedRedrive:
    return made(services, services.clock)


def made(services: BulkServices, clock: Clock) -> PagedRedrive:
    """Return a redrive of the intake queue."""
    settings = services.stage.settings
    urls = {"intake": QueueUrls(settings.intake_queue_url, settings.intake_dead_letter_queue_url)}
    return PagedRedrive(
        services.sqs,
        lambda: urls,
        decisions=decisions(services.table, services.lookups, clock),
        states=services.states,
        clock=clock,
    )


def put(services: BulkServices, bodies: list[str]) -> None:
    url = services.stage.settings.intake_dead_letter_queue_url
    for start in range(0, len(bodies), 10):
        entries: Any = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        services.stage.sqs.send_message_batch(QueueUrl=url, Entries=entries)


def test_pages_end_when_all_letters_are_settled(services: BulkServices, redrive: PagedRedrive) -> None:
    """Of 230 letters each page takes 100 at most; what cannot be sent is left, and is in no later page's way."""
    put(services, [f"C-{number}" for number in range(100)] + ["{broken"] * 30 + [f"D-{n}" for n in range(100)])
    pages = list[RedrivenPage]()
    while (page := redrive.carry_out("intake")).cases:
        pages.append(page)
    assert [len(page.cases) for page in pages] == [PAGE, PAGE, 30]
    actions = Counter(case.action for page in pages for case in page.cases)
    assert actions == {Action.SEND: 200, Action.LEAVE: 30}
    settled = 0
    for page in pages:
        assert page.waiting == 230 - settled
        settled += sum(case.action is Action.SEND for case in page.cases)
    bodies = [one["Body"] for one in services.stage.messages(services.stage.settings.intake_queue_url)]
    assert sorted(bodies) == sorted([f"C-{n}" for n in range(100)] + [f"D-{n}" for n in range(100)])


def test_a_look_changes_nothing(services: BulkServices, redrive: PagedRedrive) -> None:
    """What was looked at is visible at once, to the next look or to whoever redrives."""
    put(services, ["C-1", "{broken"])
    looks = [redrive.look("intake") for _ in range(2)]
    assert [(page.waiting, len(page.cases)) for page in looks] == [(2, 2)] * 2
    assert {case.action for case in looks[0].cases} == {Action.SEND, Action.LEAVE}
    assert services.stage.messages(services.stage.settings.intake_queue_url) == []


def test_a_page_ends_in_time(services: BulkServices) -> None:
    """When each letter takes long, as AWS is slow, a page ends after 15 s, and the others have theirs later."""
    put(services, [f"C-{number}" for number in range(5)])
    steps = iter(range(0, 1000, 10))
    assert len(made(services, lambda: float(next(steps))).carry_out("intake").cases) == 2
