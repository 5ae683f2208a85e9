"""The schedules that partners keep, in EventBridge Scheduler: one group per stage, one role, one target."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from botocore.exceptions import ClientError

from lookup.errors import AlreadyExists, Conflict, InvalidInput, LimitExceeded, Misconfigured, NotFound
from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.partners import Partner
from lookup.schedules.expressions import is_cron, is_rate
from lookup.settings import Settings

SETTLED_AFTER = 60.0  # seconds after the last change, when every schedule that was noted is created or will not be
MAX_TRIES = 3  # of looking again


class ScheduleNames:
    """The set of each partner's schedule names in the ledger, `most` at once, changed by conditions on itself.

    EventBridge Scheduler cannot bound how many are created. A name is noted before its schedule is made, and forgotten
    after it is deleted: a process that dies in between leaves a name too many, never a schedule. Such names are found
    when the set is full; so are schedules that an earlier release put.
    """

    def __init__(self, table: LedgerTable, most: int) -> None:
        self._table = table
        self._most = most

    def note(self, partner: str, name: str, listed: Callable[[], Iterable[str]]) -> None:
        """Note a schedule that is about to be put. `listed` reads the names that exist. Raises `LimitExceeded`."""
        values = {"name": {name}, "one": name, "most": self._most, "now": self._table.clock()}
        for _ in range(MAX_TRIES):
            written = self._table.update_item(
                _key(partner),
                "SET #changed_at = :now ADD #names :name",
                values,
                condition="attribute_not_exists(#names) OR contains(#names, :one) OR size(#names) < :most",
            )
            if written is not None:
                return
            self._correct(partner, listed)
        raise LimitExceeded("schedules", self._most)

    def _correct(self, partner: str, listed: Callable[[], Iterable[str]]) -> None:
        """Set a full set to the schedules that exist: a name in it may stand for none.

        Raises `LimitExceeded` when it holds nothing else, or when a schedule was put of late and may not be listed yet.
        """
        items = self._table.read([_key(partner)])
        facts: dict[str, Any] = deserialize(items[0]) if items else {}
        seen = float(facts.get("changed_at", 0.0))
        if seen > self._table.clock() - SETTLED_AFTER:
            raise LimitExceeded("schedules", self._most)
        names = set(listed())
        if names == facts.get("names"):
            raise LimitExceeded("schedules", self._most)
        change = "SET #corrected_at = :now" + (", #names = :names" if names else " REMOVE #names")
        values = {"now": self._table.clock(), "seen": seen} | ({"names": names} if names else {})
        self._table.update_item(_key(partner), change, values, condition="#changed_at = :seen")

    def forget(self, partner: str, name: str) -> None:
        """Forget a schedule that is deleted."""
        self._table.update_item(
            _key(partner),
            "SET #forgotten_at = :now DELETE #names :name",
            {"name": {name}, "now": self._table.clock()},
            condition="attribute_exists(#names)",
        )


def _key(partner: str) -> dict[str, Any]:
    return serialize({"pk": f"schedules#{partner}", "sk": "names"})


if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_scheduler.type_defs import TargetTypeDef

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
FIRED_AT = "<aws.scheduler.scheduled-time>"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A roster (its S3 key) refreshed at the times of `expression` in `time_zone`.

    `fields` of None are all that its partner is granted when it fires.
    """

    name: str
    expression: str
    roster: str
    time_zone: str = "UTC"
    workspace: str = "default"
    fields: tuple[str, ...] | None = None
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class ScheduleSummary:
    """A schedule in a list; times are epoch seconds."""

    name: str
    created_at: float
    changed_at: float


class ScheduleStore:
    """A partner's schedules; their names in the group are `<partner>.<name>`."""

    def __init__(self, client: EventBridgeSchedulerClient, settings: Settings, names: ScheduleNames) -> None:
        self._client = client
        self._names = names
        self._settings = settings

    def put(self, partner: Partner, schedule: Schedule, *, only_new: bool) -> bool:
        """Create or replace a schedule; True when it is new.

        Raises `InvalidInput`, `AlreadyExists` if `only_new`, `Conflict` while it is being changed, `LimitExceeded` when
        the partner has as many as it may have.
        """
        check(schedule)
        self._names.note(partner.name, schedule.name, lambda: self._listed(partner))
        wanted = self._definition(partner, schedule)
        try:
            self._client.create_schedule(**wanted)
        except self._client.exceptions.ConflictException:
            if only_new:
                raise AlreadyExists(f"a schedule named {schedule.name!r} exists already") from None
            self._replace(wanted)
            return False
        except self._client.exceptions.ValidationException as refusal:
            raise _meaning_of(refusal) from None
        return True

    def _replace(self, wanted: dict[str, Any]) -> None:
        exceptions = self._client.exceptions
        try:
            self._client.update_schedule(**wanted)
        except (exceptions.ConflictException, exceptions.ResourceNotFoundException):
            raise Conflict("another request is changing or deleting this schedule") from None
        except exceptions.ValidationException as refusal:
            raise _meaning_of(refusal) from None

    def get(self, partner: Partner, name: str) -> Schedule:
        """Read a schedule. Raises `NotFound`."""
        try:
            read = self._client.get_schedule(GroupName=self._group, Name=full_name(partner, name))
        except self._client.exceptions.ResourceNotFoundException:
            raise NotFound("there is no such schedule") from None
        order = json.loads(read["Target"]["Input"])
        return Schedule(
            name=name,
            expression=read["ScheduleExpression"],
            roster=order["roster"],
            time_zone=read.get("ScheduleExpressionTimezone", "UTC"),
            workspace=order["workspace"],
            fields=None if order["fields"] is None else tuple(order["fields"]),
            max_age=order["max_age"],
        )

    def page(self, partner: Partner, *, after: str, limit: int) -> tuple[list[ScheduleSummary], str | None]:
        """Return a page of a partner's schedules, and the next cursor. Raises `InvalidInput` on a foreign one."""
        prefix = full_name(partner, "")
        wanted: dict[str, Any] = {"GroupName": self._group, "NamePrefix": prefix, "MaxResults": limit}
        try:
            page = self._client.list_schedules(**wanted | ({"NextToken": after} if after else {}))
        except self._client.exceptions.ValidationException:
            raise InvalidInput("after", "is not the `next` of a page") from None
        listed = [
            ScheduleSummary(
                one["Name"].removeprefix(prefix),
                one["CreationDate"].timestamp(),
                one["LastModificationDate"].timestamp(),
            )
            for one in page["Schedules"]
        ]
        return listed, page.get("NextToken")

    def _listed(self, partner: Partner) -> Iterator[str]:
        prefix = full_name(partner, "")
        pages = self._client.get_paginator("list_schedules").paginate(GroupName=self._group, NamePrefix=prefix)
        return (one["Name"].removeprefix(prefix) for page in pages for one in page["Schedules"])

    def delete(self, partner: Partner, name: str) -> None:
        """Delete a schedule. Raises `NotFound`."""
        try:
            self._client.delete_schedule(GroupName=self._group, Name=full_name(partner, name))
        except self._client.exceptions.ResourceNotFoundException:
            self._names.forget(partner.name, name)
            raise NotFound("there is no such schedule") from None
        self._names.forget(partner.name, name)

    def names(self, full_name: str, roster: str) -> bool:
        """Return whether there is a schedule of this name in the group that names the roster of this key."""
        try:
            read = self._client.get_schedule(GroupName=self._group, Name=full_name)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        return bool(json.loads(read["Target"]["Input"])["roster"] == roster)

    @property
    def _group(self) -> str:
        return _set(self._settings.schedule_group_name, "schedule_group_name")

    def _definition(self, partner: Partner, schedule: Schedule) -> dict[str, Any]:
        return {
            "Name": full_name(partner, schedule.name),
            "GroupName": self._group,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": self._target(partner, schedule),
        }

    def _target(self, partner: Partner, schedule: Schedule) -> TargetTypeDef:
        order = {
            "schedule": full_name(partner, schedule.name),
            "scheduled_time": FIRED_AT,
            "workspace": schedule.workspace,
            "roster": schedule.roster,
            "fields": None if schedule.fields is None else list(schedule.fields),
            "max_age": int(schedule.max_age),
            "partner": partner.name,
        }
        settings = self._settings
        return {
            "Arn": _set(settings.schedule_target_arn, "schedule_target_arn"),
            "RoleArn": _set(settings.schedule_role_arn, "schedule_role_arn"),
            "Input": json.dumps(order),
            "DeadLetterConfig": {
                "Arn": _set(settings.schedule_dead_letter_queue_arn, "schedule_dead_letter_queue_arn")
            },
        }


def check(schedule: Schedule) -> None:
    """Check what the Scheduler would refuse, so that the error names the field. Raises `InvalidInput`."""
    if not NAME.fullmatch(schedule.name):
        raise InvalidInput("name", f"must match {NAME.pattern}")
    if not is_rate(schedule.expression) and not is_cron(schedule.expression):
        raise InvalidInput("expression", "must be rate(…) or cron(minutes hours day-of-month month day-of-week year)")
    if schedule.time_zone not in available_timezones():
        rule = f"{schedule.time_zone[:64]!r} is no IANA time zone"
        raise InvalidInput("time_zone", "is no IANA time zone", sender_rule=rule)


def _meaning_of(refusal: ClientError) -> Exception:
    """Return what a refusal means: the Scheduler's own judgement of an expression is the last; else it is a defect."""
    if "expression" in refusal.response["Error"].get("Message", "").lower():
        return InvalidInput("expression", "is not one that EventBridge Scheduler takes")
    return refusal


def full_name(partner: Partner, name: str) -> str:
    """Return what a partner's schedule is called in the group."""
    return f"{partner.name}.{name}"


def _set(value: str | None, setting: str) -> str:
    if value is None:
        raise Misconfigured(setting, "is not set for this function")
    return value
