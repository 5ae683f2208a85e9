"""What every request and every tick reads does not grow with what partners own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lookup.bulk.estimates import Estimates, PendingLookup, backlog_of
from lookup.ledger.model import LookupSpec, LookupState
from lookup.ledger.sweep import ENTRY_PAGE
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage

FIELDS = tuple(f"field-{number:04}-{'x' * 100}" for number in range(500))  # nearly all that a lookup may name
FEW, MANY = 3, ENTRY_PAGE + 5


@dataclass
class Meter:
    """Requests by operation, and the bytes that were answered."""

    requests: Counter[str] = field(default_factory=Counter)
    answered: int = 0

    def watch(self, *clients: Any) -> None:
        for client in clients:
            client.meta.events.register("after-call", self._see)

    def _see(self, model: Any, http_response: Any, **_: object) -> None:
        self.requests[model.name] += 1
        if model.service_model.service_name == "dynamodb":  # an object's body is read by its requester
            self.answered += len(http_response.content)

    def of(self, work: Callable[[], object]) -> tuple[int, int]:
        """Return how many requests something makes, and the bytes that are answered."""
        self.requests.clear()
        self.answered = 0
        work()
        return self.requests.total(), self.answered


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


@pytest.fixture
def meter(services: BulkServices) -> Meter:
    meter = Meter()
    meter.watch(services.stage.dynamodb, services.stage.s3, services.stage.sqs)
    return meter


def submit(services: BulkServices, numbers: range) -> list[LookupSpec]:
    """Submit lookups of the longest field lists, of two partners in turn."""
    roster = services.roster(b"C-1\nC-2\n", "rosters/small")
    base = LookupSpec("", "default", "a", services.clock(), roster, fields=FIELDS)
    specs = [replace(base, lookup_id=f"many-{number}", partner="ab"[number % 2]) for number in numbers]
    for spec in specs:
        assert services.lookups.submit(spec)
    return specs


def test_what_is_read_is_flat(services: BulkServices, meter: Meter) -> None:
    """Backlog, estimate and choosing take as many requests and bytes for 55 lookups as for 3."""
    estimates = Estimates(services.lookups, services.stage.settings, opens_at=lambda _: 0.0, clock=services.clock)
    new = PendingLookup("new", "c", 1, 10.0, 10.0, services.clock())

    def measured() -> list[tuple[int, int]]:
        works: list[Callable[[], object]] = [
            lambda: backlog_of(services.lookups, "default"),
            lambda: estimates.of("default", new),
            lambda: services.feeder._next("default", set()),  # noqa: SLF001 - choosing alone, without what it leads to
        ]
        return [meter.of(work) for work in works]

    submit(services, range(FEW))
    few = measured()
    submit(services, range(FEW, MANY))
    many = measured()
    assert [requests for requests, _ in many] == [requests for requests, _ in few] == [2, 3, 2]
    assert all(more <= less + 100 for (_, more), (_, less) in zip(many, few, strict=True))
    assert backlog_of(services.lookups, "default").lookups == MANY


def test_a_tick_is_bounded(services: BulkServices, meter: Meter) -> None:
    """A tick over many lookups, paused and ready ones, takes under 60 requests; the next one goes on where it ended."""
    for spec in submit(services, range(MANY)):
        assert services.states.pause(spec)
    submit(services, range(MANY, MANY + 12))
    maintenance = services.maintenance
    for number in range(3):
        requests, answered = meter.of(maintenance.run)
        assert requests < 60, (number, meter.requests)
        assert answered < 1_000_000
    looked_at = {int(item["sk"]["S"].removeprefix("many-")) for item in services.table.query("look#default")}
    assert looked_at <= set(range(MANY, MANY + 12))  # those that are fed out, until their parts are in
    assert [services.share(name).unfinished for name in "ab"] == [(MANY + 12 + 1) // 2, (MANY + 12) // 2]


def test_what_is_too_old_ends(services: BulkServices) -> None:
    """A lookup that is paused for 80 days ends before its items expire, and is counted no more."""
    (spec,) = submit(services, range(1))
    assert services.states.pause(spec)
    services.clock.now += 79 * 24 * 3600
    services.sweep.run("default")
    assert services.unfinished() == ["many-0"]
    services.clock.now += 24 * 3600
    services.sweep.run("default")
    progress = services.lookups.get("many-0")
    assert progress is not None
    assert (progress.state, progress.ended_because) == (LookupState.CANCELLED, "it has not ended within 80 days")
    assert (services.unfinished(), services.share("a").unfinished) == ([], 0)
