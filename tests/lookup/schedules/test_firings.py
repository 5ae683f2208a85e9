"""Scheduled refreshes of rosters: the firing's input, and the parts that it puts on the queue."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.bulk import part_message
from lookup.errors import InvalidInput, UnknownWorkspace
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Json, Part
from lookup.schedules.firing import Firing, parse_firing
from lookup.schedules.firings import Firings
from tests.lookup.json_values import values
from tests.lookup.services import BulkServices, FakeClock, firings_of
from tests.lookup.stage import Stage

EVENT: dict[str, Any] = {
    "schedule": "nightly",
    "scheduled_time": "2026-11-23T19:00:00Z",
    "roster": "rosters/vip.csv",
}
AT = 1_795_460_400.0  # 2026-11-23 19:00:00 UTC


@pytest.fixture
def services(stage: Stage) -> BulkServices:
    return BulkServices(stage, FakeClock(AT + 3))


@pytest.fixture
def firings(services: BulkServices) -> Firings:
    return firings_of(services, {})


def put(stage: Stage, text: str) -> None:
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=EVENT["roster"], Body=text.encode())


def sent(stage: Stage) -> list[Part]:
    parts = [part_message.parse_part(message["Body"]) for message in stage.messages(stage.settings.parts_queue_url)]
    return sorted(parts, key=lambda part: part.number)


def test_a_firing() -> None:
    """A firing is a lookup named after its schedule and its scheduled time."""
    event = EVENT | {"workspace": "brand-b", "fields": ["name", "city"], "max_age": 3600}
    assert parse_firing(event) == Firing(
        schedule="nightly",
        scheduled_at=AT,
        workspace="brand-b",
        roster="rosters/vip.csv",
        fields=("city", "name"),
        max_age=3600.0,
        partner="operator",
        weight=1,
    )


def test_defaults_of_a_firing() -> None:
    """Defaults: the default workspace, all fields, fetched anew."""
    firing = parse_firing(EVENT)
    assert (firing.workspace, firing.fields, firing.max_age) == ("default", None, 0.0)


@pytest.mark.parametrize(
    "written",
    ["2026-11-23T19:00:00Z", "2026-11-23T19:00:00", "2026-11-23T20:00:00+01:00", "2026-11-23T19:00:00.000Z"],
)
def test_times(written: str) -> None:
    """The scheduled time is ISO 8601; an offset counts, and without one it is UTC."""
    assert parse_firing(EVENT | {"scheduled_time": written}).scheduled_at == AT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schedule": None}, "schedule"), ({"schedule": ""}, "schedule"), ({"schedule": "a/b"}, "schedule"),
        ({"schedule": "n" * 65}, "schedule"), ({"schedule": "../x"}, "schedule"), ({"schedule": 7}, "schedule"),
        ({"roster": None}, "roster"), ({"roster": ["a"]}, "roster"), ({"roster": "a\nb"}, "roster"),
        ({"scheduled_time": None}, "scheduled_time"), ({"scheduled_time": "now"}, "scheduled_time"),
        ({"scheduled_time": 20261123}, "scheduled_time"),
        ({"scheduled_time": "0001-01-01T00:00:00+14:00"}, "scheduled_time"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "scheduled_time"),
        ({"workspace": 7}, "workspace"), ({"fields": []}, "fields"), ({"max_age": -1}, "max_age"),
        ({"max_agee": 1}, "event"),
    ],
)  # fmt: skip
def test_senseless_firings(change: dict[str, Json], field: str) -> None:
    """An invalid input is an error that names its key, if it is one of ours."""
    with pytest.raises(InvalidInput) as caught:
        parse_firing(EVENT | change)
    assert caught.value.field == field


@given(values() | st.fixed_dictionaries({}, optional={key: st.just(EVENT.get(key)) | values() for key in EVENT}))
def test_any_input(event: Any) -> None:
    """Any JSON is a firing whose names are safe, or an input error."""
    try:
        firing = parse_firing(event)
    except InvalidInput:
        return
    assert firing.lookup_id.isascii()
    assert "/" not in firing.lookup_id


def test_a_roster_becomes_parts(stage: Stage, firings: Firings) -> None:
    """Every identifier is in exactly one part of up to 100, in order, under the schedule's terms."""
    put(stage, "customer_id\n" + "".join(f"C-{number}\n" for number in range(1, 251)))
    fired = firings.serve(parse_firing(EVENT | {"fields": ["name"], "max_age": 60}))
    assert (fired.lookup_id, fired.skipped_for) == ("nightly-20261123T190000Z", None)
    parts = sent(stage)
    assert [(part.number, len(part.identifiers)) for part in parts] == [
        ("00000001", 100),
        ("00000002", 100),
        ("00000003", 50),
    ]
    asked = [one for part in parts for one in part.identifiers]
    assert asked == [Identifier(IdentifierType.CUSTOMER_ID, f"C-{number}") for number in range(1, 251)]
    assert {(part.lookup_id, part.workspace, part.submitted_at, part.fed_at) for part in parts} == {
        ("nightly-20261123T190000Z", "default", AT, AT + 3)
    }
    assert {(part.fields, part.max_age) for part in parts} == {(("name",), 60.0)}


def test_a_second_delivery(stage: Stage, services: BulkServices, firings: Firings) -> None:
    """A firing that is delivered twice gives one lookup, fed once."""
    put(stage, "C-1\nC-2\n")
    firings.serve(parse_firing(EVENT))
    assert len(sent(stage)) == 1
    assert firings.serve(parse_firing(EVENT)).skipped_for is None
    assert sent(stage) == []
    assert [lookup_id for _, lookup_id in services.lookups.of_partner("operator")] == ["nightly-20261123T190000Z"]


def test_a_refresh_is_skipped_while_the_last_one_runs(stage: Stage, services: BulkServices, firings: Firings) -> None:
    """A firing whose predecessor still runs is reported as skipped; once that has ended, the next one runs."""
    put(stage, "C-1\nC-2\n")
    firings.serve(parse_firing(EVENT))
    later = parse_firing(EVENT | {"scheduled_time": "2026-11-23T20:00:00Z"})
    assert firings.serve(later).skipped_for == "nightly-20261123T190000Z"
    assert float(services.lookups.last_firing("nightly")["skipped_at"]) == AT + 3600
    services.count()
    last = firings.serve(parse_firing(EVENT | {"scheduled_time": "2026-11-23T21:00:00Z"}))
    assert last.skipped_for is None
    assert [part.lookup_id for part in sent(stage)] == [last.lookup_id]


def test_a_tick_feeds_what_waits(stage: Stage, services: BulkServices, firings: Firings) -> None:
    """Every minute pending lookups are fed, whatever left them pending."""
    put(stage, "C-1\nC-2\n")
    services.is_closed = True
    firings.serve(parse_firing(EVENT))
    assert services.maintenance.run() == 0
    services.is_closed = False
    assert services.maintenance.run() == 2


def test_unusable_lines(stage: Stage, firings: Firings) -> None:
    """A line that cannot be used travels with its part as an invalid entry, by its number in the file."""
    put(stage, 'customer_id,name\nC-1,"John"\n0,x\n\n"C-2"x,z\nC-3,y\n')
    firings.serve(parse_firing(EVENT))
    (part,) = sent(stage)
    assert [one.identifier for one in part.identifiers] == ["C-1", "C-3"]
    assert part.invalid == (
        InvalidIdentifier("0", "identifier is a value that MoEngage blocks as a customer_id", line=3),
        InvalidIdentifier('"C-2"x,z', "line is not readable in the roster's format", line=5),
    )


def test_awkward_identifiers(stage: Stage, firings: Firings) -> None:
    """Identifiers of any characters survive from the roster to the queue."""
    names = ["a/b", "100%", "a+b", "a#b", "a?b", "a b", "müller", "東京", "🎉🎉", "a\uffffb"]
    put(stage, "\n".join(names))
    firings.serve(parse_firing(EVENT))
    assert [one.identifier for one in sent(stage)[0].identifiers] == names


@pytest.mark.parametrize(
    ("body", "rule"),
    [("", "is empty"), ("customer_id\n", "header"), ("email,name\na@b.example,John\n", "no column"), (None, "unknown")],
)
def test_unusable_roster(stage: Stage, firings: Firings, body: str | None, rule: str) -> None:
    """A roster that is missing, empty or without a usable column is refused by name before anything is sent."""
    if body is not None:
        put(stage, body)
    with pytest.raises(InvalidInput, match=rf"roster: .*{rule}"):
        firings.serve(parse_firing(EVENT))
    assert sent(stage) == []


def test_unknown_workspace(firings: Firings) -> None:
    """A workspace that is not configured is an error before the roster is read."""
    with pytest.raises(UnknownWorkspace):
        firings.serve(parse_firing(EVENT | {"workspace": "brand-b"}))
