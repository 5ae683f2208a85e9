"""Schedules of EventBridge Scheduler fire in their own time zone; MiniStack keeps the zone and reads every time as UTC.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#time-zone: `cron` and `at` are evaluated in
the schedule's zone. MiniStack passes expressions on as texts; here a text carries its zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ministack.services import eventbridge, scheduler  # type: ignore[import-untyped]  # ships no types

EXPRESSION, ZONE = "ScheduleExpression", "ScheduleExpressionTimezone"
Fields = tuple[Any, ...]
Keep = Callable[[str, Mapping[str, Any]], object]


class ZonedText(str):
    """An expression and the zone that its times are of."""

    __slots__ = ("zone",)
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ZonedFields:
    """What is read of a `cron` expression, and its zone."""

    fields: Fields
    zone: ZoneInfo


def heed_time_zones() -> None:
    """Replace the places of MiniStack where a schedule is kept, and where its expression is read."""
    scheduler._create_schedule = keeping_the_zone(scheduler._create_schedule)  # noqa: SLF001 - see engine.py
    scheduler._update_schedule = keeping_the_zone(scheduler._update_schedule)  # noqa: SLF001
    scheduler._at_time_epoch = in_its_zone(scheduler._at_time_epoch)  # noqa: SLF001
    eventbridge._parse_cron_fields = with_the_zone(eventbridge._parse_cron_fields)  # noqa: SLF001
    eventbridge._cron_next_fire = next_in_its_zone(eventbridge._cron_next_fire)  # noqa: SLF001


def keeping_the_zone(keep: Keep) -> Keep:
    """Store a schedule whose expression carries its zone."""

    def kept(name: str, body: Mapping[str, Any]) -> object:
        if body.get(EXPRESSION) and body.get(ZONE):
            text = ZonedText(body[EXPRESSION])
            text.zone = ZoneInfo(body[ZONE])
            body = {**body, EXPRESSION: text}
        return keep(name, body)

    return kept


def in_its_zone(epoch_of: Callable[[str], float | None]) -> Callable[[str], float | None]:
    """Read the moment of an `at` expression (epoch seconds); None of any other."""

    def read(text: str) -> float | None:
        epoch = epoch_of(text)
        if epoch is None or not isinstance(text, ZonedText):
            return epoch
        return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=text.zone).timestamp()

    return read


def with_the_zone(parse: Callable[[str], Fields | None]) -> Callable[[str], Fields | ZonedFields | None]:
    """Read the fields of a `cron` expression; None of any other."""

    def parsed(text: str) -> Fields | ZonedFields | None:
        found = parse(text)
        return found if found is None or not isinstance(text, ZonedText) else ZonedFields(found, text.zone)

    return parsed


def next_in_its_zone(
    next_of: Callable[[Fields, datetime], datetime | None],
) -> Callable[[Fields | ZonedFields, datetime], datetime | None]:
    """Return the next moment that fields name, by the clock of their zone."""

    def found(read: Fields | ZonedFields, after: datetime) -> datetime | None:
        if isinstance(read, ZonedFields):
            return next_of(read.fields, after.astimezone(read.zone))
        return next_of(read, after)

    return found
