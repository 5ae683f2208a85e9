"""Refreshes of rosters: what a firing says, and which parts it puts on the queue."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lookup import part_message
from lookup.errors import InvalidInput, UnknownWorkspace
from lookup.model import Identifier, IdentifierType, Invalid, Json, Part
from lookup.queues import Queues
from lookup.schedules import Firing, Schedules, read_firing
from tests.lookup.json_values import values
from tests.lookup.stage import Stage

EVENT: dict[str, Any] = {
    "schedule": "nightly",
    "scheduled_time": "2026-11-23T19:00:00Z",
    "roster": "rosters/vip.csv",
}
AT = 1_795_460_400.0  # 2026-11-23 19:00:00 UTC


@pytest.fixture
def schedules(stage: Stage) -> Schedules:
    queues = Queues(stage.sqs, stage.settings, lambda: AT + 3)
    return Schedules(s3=stage.s3, queues=queues, settings=stage.settings, clock=lambda: AT + 3)


def put(stage: Stage, text: str) -> None:
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=EVENT["roster"], Body=text.encode())


def sent(stage: Stage) -> list[Part]:
    parts = [part_message.read(message["Body"]) for message in stage.messages(stage.settings.parts_queue_url)]
    return sorted(parts, key=lambda part: part.number)


def test_a_firing() -> None:
    """A firing is a lookup named after its schedule and its scheduled time."""
    event = EVENT | {"workspace": "brand-b", "fields": ["name", "city"], "max_age": 3600}
    assert read_firing(event) == Firing(
        lookup_id="nightly-20261123T190000Z",
        scheduled_at=AT,
        workspace="brand-b",
        roster="rosters/vip.csv",
        fields=("city", "name"),
        max_age=3600.0,
    )


def test_defaults_of_a_firing() -> None:
    """Without words about it: the default workspace, all fields, asked anew."""
    firing = read_firing(EVENT)
    assert (firing.workspace, firing.fields, firing.max_age) == ("default", None, 0.0)


@pytest.mark.parametrize(
    "written",
    ["2026-11-23T19:00:00Z", "2026-11-23T19:00:00", "2026-11-23T20:00:00+01:00", "2026-11-23T19:00:00.000Z"],
)
def test_times(written: str) -> None:
    """The scheduled time is ISO 8601; an offset counts, and without one it is UTC."""
    assert read_firing(EVENT | {"scheduled_time": written}).scheduled_at == AT


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
        ({"max_agee": 1}, "max_agee"),
    ],
)  # fmt: skip
def test_senseless_firings(change: dict[str, Json], field: str) -> None:
    """An input that makes no sense is a fault that names its key."""
    with pytest.raises(InvalidInput) as caught:
        read_firing(EVENT | change)
    assert caught.value.field == field


@given(values() | st.fixed_dictionaries({}, optional={key: st.just(EVENT.get(key)) | values() for key in EVENT}))
def test_any_input(event: Any) -> None:  # noqa: ANN401 - whatever a schedule was given
    """Any JSON is a firing whose names are safe, or a fault of the input."""
    try:
        firing = read_firing(event)
    except InvalidInput:
        return
    assert firing.lookup_id.isascii()
    assert "/" not in firing.lookup_id


def test_a_roster_becomes_parts(stage: Stage, schedules: Schedules) -> None:
    """Every identifier is in exactly one part of up to 100, in order, under the schedule's terms."""
    put(stage, "customer_id\n" + "".join(f"C-{number}\n" for number in range(1, 251)))
    assert schedules.fire(read_firing(EVENT | {"fields": ["name"], "max_age": 60})) == 3
    parts = sent(stage)
    assert [(part.number, len(part.identifiers)) for part in parts] == [
        ("000001", 100),
        ("000002", 100),
        ("000003", 50),
    ]
    asked = [one for part in parts for one in part.identifiers]
    assert asked == [Identifier(IdentifierType.CUSTOMER_ID, f"C-{number}") for number in range(1, 251)]
    assert {(part.lookup_id, part.workspace, part.submitted_at, part.fed_at) for part in parts} == {
        ("nightly-20261123T190000Z", "default", AT, AT)
    }
    assert {(part.fields, part.max_age) for part in parts} == {(("name",), 60.0)}


def test_a_second_delivery(stage: Stage, schedules: Schedules) -> None:
    """A firing that is delivered twice gives the same parts of the same lookup."""
    put(stage, "C-1\nC-2\n")
    schedules.fire(read_firing(EVENT))
    first = sent(stage)
    schedules.fire(read_firing(EVENT))
    assert sent(stage) == first


def test_unusable_lines(stage: Stage, schedules: Schedules) -> None:
    """A line that cannot be used travels with its part as an invalid entry, by its number in the file."""
    put(stage, 'customer_id,name\nC-1,"John"\n0,x\n\n"C-2\nC-3,y\n')
    assert schedules.fire(read_firing(EVENT)) == 1
    (part,) = sent(stage)
    assert [one.identifier for one in part.identifiers] == ["C-1", "C-3"]
    assert part.invalid == (
        Invalid("0", "identifier is a value that MoEngage blocks as a customer_id", line=3),
        Invalid('"C-2', "line is not readable in the roster's format", line=5),
    )


def test_awkward_identifiers(stage: Stage, schedules: Schedules) -> None:
    """Identifiers of any characters survive from the roster to the queue."""
    names = ["a/b", "100%", "a+b", "a#b", "a?b", "a b", "müller", "東京", "🎉🎉", "a\uffffb", "a\u2028b"]
    put(stage, "\n".join(names))
    schedules.fire(read_firing(EVENT))
    assert [one.identifier for one in sent(stage)[0].identifiers] == names


def test_nobody(stage: Stage, schedules: Schedules) -> None:
    """A roster of nobody gives no part."""
    put(stage, "customer_id\n")
    assert schedules.fire(read_firing(EVENT)) == 0
    assert sent(stage) == []


def test_unusable_roster(stage: Stage, schedules: Schedules) -> None:
    """A roster without a usable column is refused before anything is sent."""
    put(stage, "email,name\na@b.example,John\n")
    with pytest.raises(InvalidInput, match="roster"):
        schedules.fire(read_firing(EVENT))
    assert sent(stage) == []


def test_missing_roster(stage: Stage, schedules: Schedules) -> None:
    """A roster that is not there is S3's own fault, and nothing is sent."""
    with pytest.raises(ClientError, match="NoSuchKey"):
        schedules.fire(read_firing(EVENT))
    assert sent(stage) == []


def test_unknown_workspace(schedules: Schedules) -> None:
    """A workspace that is not configured is told before the roster is read."""
    with pytest.raises(UnknownWorkspace):
        schedules.fire(read_firing(EVENT | {"workspace": "brand-b"}))
