"""Lookups of release 0.1 go on after an upgrade, each identifier counted once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lookup.ledger.items import cursor_facts, in_flight_key, lookup_key, partner_key, serialize, spec_item
from lookup.ledger.model import Cursor, LookupSpec, LookupState
from lookup.model import Counts
from tests.lookup.services import BulkServices
from tests.lookup.stage import Stage


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage)


def old_lookup(services: BulkServices, name: str, lines: int) -> LookupSpec:
    """Write a lookup down as release 0.1 did."""
    roster = services.roster("".join(f"{name}-{number}\n" for number in range(lines)).encode(), f"rosters/{name}")
    spec = LookupSpec(name, "default", "acme", services.clock(), roster)
    written = spec_item(spec)
    del written["due_at"]
    active = {"partner": "acme", "weight": 1, "submitted_at": spec.submitted_at, "tag": 0, "choosable": True}
    items = [
        written,
        lookup_key(name, "state") | serialize({"is": "active"}),
        lookup_key(name, "cursor") | serialize(cursor_facts(Cursor())),
        partner_key(spec) | serialize({"lookup_id": name}),
        serialize({"pk": "active#default", "sk": name} | active),
    ]
    services.table.write(*(services.table.put(item) for item in items))
    return spec


def half_fed(services: BulkServices) -> LookupSpec:
    """Write one down whose first part is out, as release 0.1 noted it."""
    spec = old_lookup(services, "old", 150)
    segment = services.reader.next_step(spec, position=0, line=1, number="00000001", fed_at=services.clock())
    assert segment is not None
    services.queues.send([segment.part])
    origin = segment.origin
    fed = Cursor(position=origin.end, line=segment.next_line, parts_fed=1, entries_fed=100)
    sent: dict[str, float] = {
        "start": origin.start,
        "end": origin.end,
        "line": origin.line,
        "round": 0,
        "entries": 100,
        "users": 100,
    }
    sent |= {"fed_at": services.clock(), "sent_at": services.clock()}
    services.table.write(
        services.table.put(lookup_key("old", "cursor") | serialize(cursor_facts(fed))),
        services.table.put(lookup_key("old", "sent#00000001") | serialize(sent)),
        services.table.put(serialize({"pk": "feeder#default", "sk": "sent", "users": 100})),
    )
    return spec


def test_a_lookup_of_an_earlier_release_goes_on(services: BulkServices) -> None:
    """The first tick takes it over with the part that is out; it ends with every identifier once."""
    half_fed(services)
    services.sweep.run("default")
    assert (services.share("acme").unfinished, services.share("acme").ready, services.share("acme").users) == (1, 1, 50)
    assert [one.number for one in services.feed.in_flight("default", "old")] == ["00000001"]
    services.feeder.feed("default")
    services.count()
    progress = services.lookups.get("old")
    assert progress is not None
    assert (progress.state, progress.tally.counts) == (LookupState.COMPLETED, Counts(150, found=150))
    assert (
        services.unfinished(),
        services.lookups.in_flight("default").entries,
        services.share("acme").unfinished,
    ) == ([], 0, 0)
    assert not services.table.query("active#default")
    assert not services.table.read([in_flight_key("default", "old", "00000001")])


def test_control_operations_adopt_a_lookup(services: BulkServices) -> None:
    """Pausing, resuming and cancelling work before a tick has come."""
    spec = half_fed(services)
    assert services.states.pause(spec)
    assert (services.share("acme").unfinished, services.share("acme").running, services.share("acme").ready) == (
        1,
        0,
        0,
    )
    progress = services.lookups.get("old")
    assert progress is not None
    assert services.states.resume(spec, progress.cursor)
    assert services.states.cancel(spec)
    services.count()
    assert (services.unfinished(), services.share("acme").unfinished, services.share("acme").running) == ([], 0, 0)
    assert [one.state for one in services.events.completed] == [LookupState.CANCELLED]


def test_what_has_expired_is_forgotten(services: BulkServices) -> None:
    """A place without a lookup is no lookup."""
    spec = old_lookup(services, "gone", 1)
    services.table.write(services.table.delete(lookup_key("gone", "spec")))
    services.sweep.run("default")
    assert not services.table.query("active#default")
    assert services.states.pause(replace(spec)) is False
