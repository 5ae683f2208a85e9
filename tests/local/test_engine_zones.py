"""The embedded AWS reads a schedule's times by the clock of its zone, as EventBridge Scheduler does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import boto3
import pytest
from ministack.services import eventbridge, scheduler  # type: ignore[import-untyped]  # ships no types

from infra.local.ministack.time_zones import ZonedText, in_its_zone, next_in_its_zone, with_the_zone
from tests.local.test_engine import ROLE, new_queue, taken
from tests.waiting import until

KATHMANDU = "Asia/Kathmandu"


def zoned(text: str, zone: str) -> ZonedText:
    made = ZonedText(text)
    made.zone = ZoneInfo(zone)
    return made


def test_a_schedule_fires_by_its_own_clock(aws: boto3.Session) -> None:
    """A moment that has passed in Kathmandu is due at once, though UTC is hours behind; its expression stays a text."""
    url, arn = new_queue(aws)
    schedules, name = aws.client("scheduler"), f"s-{uuid4().hex}"
    due = datetime.now(ZoneInfo(KATHMANDU)) - timedelta(minutes=1)
    expression = f"at({due:%Y-%m-%dT%H:%M:%S})"
    schedules.create_schedule(
        Name=name,
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=KATHMANDU,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": json.dumps({"due": "<aws.scheduler.scheduled-time>"})},
    )
    assert json.loads(until(lambda: taken(aws, url))) == {"due": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    kept = schedules.get_schedule(Name=name)
    assert (kept["ScheduleExpression"], kept["ScheduleExpressionTimezone"]) == (expression, KATHMANDU)


@pytest.mark.parametrize(
    ("text", "zone", "due"),
    [
        ("cron(54 2 29 11 ? 2026)", KATHMANDU, "2026-11-28T21:09"),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-29T02:00"),
        ("cron(0 3 ? * SAT *)", "America/New_York", "2026-12-05T08:00"),
        ("cron(0 3 * * ? *)", "UTC", "2026-11-29T03:00"),
    ],
)
def test_the_next_time_of_a_cron_expression(text: str, zone: str, due: str) -> None:
    """The next moment is that of the zone's clock, seen from 21:07 UTC on a Saturday."""
    parse = with_the_zone(eventbridge._parse_cron_fields)  # noqa: SLF001 - what the engine replaces
    following = next_in_its_zone(eventbridge._cron_next_fire)  # noqa: SLF001
    fields = parse(zoned(text, zone))
    assert fields is not None
    found = following(fields, datetime(2026, 11, 28, 21, 7, 36, tzinfo=UTC))
    assert found is not None
    assert f"{found.astimezone(UTC):%Y-%m-%dT%H:%M}" == due


def test_what_names_no_zone_is_utc() -> None:
    """Rules of EventBridge have no zone; what is no `at` expression has no moment."""
    read = in_its_zone(scheduler._at_time_epoch)  # noqa: SLF001 - what the engine replaces
    assert read("at(2026-11-28T21:09:00)") == datetime(2026, 11, 28, 21, 9, tzinfo=UTC).timestamp()
    assert (
        read(zoned("at(2026-11-28T21:09:00)", "Europe/Berlin")) == datetime(2026, 11, 28, 20, 9, tzinfo=UTC).timestamp()
    )
    assert read(zoned("rate(1 minute)", "Europe/Berlin")) is None
