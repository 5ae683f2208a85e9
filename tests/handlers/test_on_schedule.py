"""The schedules' handler: a firing puts a roster's parts on the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import on_schedule
from lookup.bulk import part_message
from lookup.errors import InvalidInput
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]


def test_a_firing_feeds_its_roster(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A roster of 250 lines becomes three parts; a second delivery of the firing adds none."""
    rows = "\n".join(f"user-{number}" for number in range(249))
    body = f"customer_id\n{rows}\nunknown\n".encode()
    deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key="rosters/refresh.csv", Body=body)
    firing = event("on_schedule/refresh.json")
    answer = on_schedule.handler(firing, context)
    assert answer == {"lookup_id": "refresh-20261123T190000Z", "skipped_for": None, "refused_because": None}
    first = [
        part_message.parse_part(message["Body"]) for message in deployed.messages(deployed.settings.parts_queue_url)
    ]
    assert sorted((part.number, len(part.identifiers), len(part.invalid)) for part in first) == [
        ("00000001", 100, 0),
        ("00000002", 100, 0),
        ("00000003", 49, 1),
    ]
    on_schedule.handler(firing, context)
    assert deployed.messages(deployed.settings.parts_queue_url) == []


def test_a_tick_feeds_nothing_when_nothing_waits(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """The minute's look at what waits answers how much it fed."""
    assert on_schedule.handler(event("on_schedule/tick.json"), context) == {"fed": 0}


def test_a_tick_tells_how_much_waits(
    deployed: Stage, event: Load, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """The minute's metrics hold the gauges, under the stage's name: the lookup that was just submitted waits."""
    deployed.s3.put_object(
        Bucket=deployed.settings.bucket_name, Key="rosters/refresh.csv", Body=b"customer_id\nC-1\nC-2\n"
    )
    on_schedule.handler(event("on_schedule/refresh.json"), context)
    capsys.readouterr()
    on_schedule.handler(event("on_schedule/tick.json"), context)
    metrics = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    assert (metrics["service"], metrics["stage"]) == ("moengage-lookup", "test")
    ((*dimensions,),) = metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert sorted(dimensions) == ["service", "stage"]
    gauges = ("LookupsInProgress", "BacklogUsers", "GateIsClosed", "SecretsMissing", "Firings", "VendorCalls")
    assert [metrics[name] for name in gauges] == [[1.0], [2.0], [0.0], [0.0], [1.0], [0.0]]
    assert [metrics[name] for name in ("PartsCompleted", "Defects", "AwsTrouble")] == [[0.0]] * 3
    assert metrics["BacklogMinutes"][0] == pytest.approx(0.002)


def test_a_malformed_firing_names_its_field(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """Input that no schedule of ours sends is refused by name, and nothing is fed."""
    with pytest.raises(InvalidInput, match="scheduled_time"):
        on_schedule.handler(event("on_schedule/refresh.json") | {"scheduled_time": "soon"}, context)
    assert deployed.messages(deployed.settings.parts_queue_url) == []
