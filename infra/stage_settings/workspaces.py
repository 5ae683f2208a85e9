"""What a stage is made of: MoEngage workspaces and schedules (partners: `stage_partners`), checked when they are built.

An error names the setting as one would write it: `schedules.daily.expression`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import available_timezones

from infra.stage_settings.checks import require_fields, require_kinds
from lookup.errors import InvalidInput, Misconfigured, require
from lookup.quota import Quota
from lookup.schedules.expressions import is_cron, is_rate
from lookup.schedules.firing import parse_firing
from lookup.settings import WEIGHT_RULE, is_weight
from lookup.settings import Workspace as WorkspaceSettings

FEEDER_TICK = "feeder-tick"  # the schedule that feeds what waits, every minute

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def require_name(name: str, setting: str) -> None:
    """Check a name that becomes part of logical ids and of names in AWS."""
    require(_NAME.fullmatch(name) is not None, setting, f"{name!r} must match {_NAME.pattern}")


def pascal_case(name: str) -> str:
    """Write `crm-export` or `on_queue` as `CrmExport` or `OnQueue`: logical ids hold letters and digits only."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def require_distinct(names: Iterable[str], setting: str) -> None:
    """Check that no two names become the same part of logical ids, as `a-1` and `a1` do."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(pascal_case(name), name)
        require(other == name, setting, f"{other!r} and {name!r} must differ in more than hyphens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One MoEngage workspace of a stage; the stack holds its secret."""

    fields: tuple[str, ...] | None = None
    moengage_id_name: str = "id"
    quota: Quota = field(default_factory=Quota)
    keep_profiles: bool = True
    intake_weight: int = 1

    def __post_init__(self) -> None:
        require_kinds(self, "workspaces.")
        require(is_weight(self.intake_weight), "workspaces.intake_weight", WEIGHT_RULE)
        require_fields(self.fields, "workspaces.fields")
        require(isinstance(self.quota, Quota), "workspaces.quota", f"{self.quota!r} must be a Quota")

    def settings(self, secret_id: str) -> WorkspaceSettings:
        """Return its settings for the functions."""
        return WorkspaceSettings(
            secret_id, self.fields, self.moengage_id_name, self.quota, self.keep_profiles, self.intake_weight
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A roster that is refreshed again and again. `expression` and `time_zone` are EventBridge Scheduler's.

    `roster` is an S3 key below `rosters/` in the stage's bucket.
    `max_age` in seconds: a stored profile that is younger costs no quota.
    """

    name: str
    expression: str
    roster: str
    workspace: str = "default"
    fields: tuple[str, ...] | None = None
    max_age: int = 0
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        require_kinds(self, "schedules.")
        require_name(self.name, "schedules.name")
        require(self.name != FEEDER_TICK, "schedules.name", f"{FEEDER_TICK!r} is the service's own")
        setting = f"schedules.{self.name}"
        require_fields(self.fields, f"{setting}.fields")
        known = is_rate(self.expression) or is_cron(self.expression) or _is_at(self.expression)
        forms = "rate(…), cron(minutes hours day-of-month month day-of-week year) or at(…)"
        require(bool(known), f"{setting}.expression", f"{self.expression!r} is no {forms} of EventBridge Scheduler")
        below = re.fullmatch(r"rosters/[^/].*", self.roster) is not None
        require(below, f"{setting}.roster", f"{self.roster!r} is no key below rosters/")
        zone = self.time_zone in available_timezones()
        require(zone, f"{setting}.time_zone", f"{self.time_zone!r} is no IANA time zone")
        self._check_firing()

    def firing(self, due: str) -> dict[str, object]:
        """Return what a firing that was `due` then (ISO 8601) sends to `on_schedule`."""
        return {
            "schedule": self.name,
            "scheduled_time": due,
            "workspace": self.workspace,
            "roster": self.roster,
            "fields": None if self.fields is None else list(self.fields),
            "max_age": self.max_age,
        }

    def _check_firing(self) -> None:
        """Parse the firing as the function does: what it refuses would fail at every firing."""
        try:
            parse_firing(self.firing("2026-01-01T00:00:00Z"))
        except InvalidInput as fault:
            raise Misconfigured(f"schedules.{self.name}.{fault.field}", fault.rule) from None


def _is_at(expression: str) -> bool:
    read = _AT.fullmatch(expression)
    try:
        return read is not None and bool(datetime.fromisoformat(read.group(1)))
    except ValueError:
        return False
