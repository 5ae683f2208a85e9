"""What a stage is made of: MoEngage workspaces, partners, schedules. Each is checked when it is built.

An error names the setting as one would write it: `schedules.daily.expression`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import available_timezones

from lookup.errors import Misconfigured
from lookup.schedule_store import RATE, is_cron
from lookup.settings import Quota
from lookup.settings import Workspace as WorkspaceSettings

# Names that mean something else: whose lookups those of the stage's schedules are, and prefixes below `rosters/`.
NO_PARTNERS = frozenset({"operator", "inline", "unpacked"})
HEAVIEST = 1000
FEEDER_TICK = "feeder-tick"  # the schedule that feeds what waits, every minute

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PARTNER = re.compile(r"[a-z][a-z0-9-]{0,32}")  # with a dot and a schedule's name of 30, the Scheduler's 64
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def require(ok: bool, setting: str, rule: str) -> None:  # noqa: FBT001 - reads as a sentence: require(condition, …)
    """Raise `Misconfigured` naming the setting and its rule, unless `ok`."""
    if not ok:
        raise Misconfigured(setting, rule)


def require_name(name: str, setting: str) -> None:
    """Check a name that becomes part of logical ids and of names in AWS."""
    require(_NAME.fullmatch(name) is not None, setting, f"{name!r} must match {_NAME.pattern}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One MoEngage workspace as a stage knows it; its secret comes with the stack."""

    fields: tuple[str, ...] | None = None
    moengage_id_name: str = "id"
    quota: Quota = field(default_factory=Quota)

    def settings(self, secret_id: str) -> WorkspaceSettings:
        """Give what the functions are told of it."""
        return WorkspaceSettings(secret_id, self.fields, self.moengage_id_name, self.quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What one partner may ask for. `fields` of None means all.

    `users_per_day` bounds the partner's own share of the quota; None does not. `weight` is its share of what bulk gets.
    """

    workspaces: tuple[str, ...] = ("default",)
    fields: tuple[str, ...] | None = None
    users_per_day: int | None = None
    weight: int = 1

    def check(self, name: str, workspaces: Collection[str]) -> None:
        """Check the grants of partner `name`, given the known workspaces. Raises `Misconfigured`."""
        require(_PARTNER.fullmatch(name) is not None, "partners", f"{name!r} must match {_PARTNER.pattern}")
        require(name not in NO_PARTNERS, "partners", f"must not be {', '.join(sorted(NO_PARTNERS))}")
        unknown = sorted(set(self.workspaces) - set(workspaces))
        setting = f"partners.{name}"
        require(bool(self.workspaces), f"{setting}.workspaces", "must name at least one")
        require(not unknown, f"{setting}.workspaces", f"{unknown} are not configured")
        require(self.fields is None or bool(self.fields), f"{setting}.fields", "must name at least one, or be None")
        daily = self.users_per_day is None or self.users_per_day >= 1
        require(daily, f"{setting}.users_per_day", "must be at least 1, or None")
        require(1 <= self.weight <= HEAVIEST, f"{setting}.weight", f"must be 1 to {HEAVIEST}")


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
        require_name(self.name, "schedules.name")
        require(self.name != FEEDER_TICK, "schedules.name", f"{FEEDER_TICK!r} is the service's own")
        setting = f"schedules.{self.name}"
        known = RATE.fullmatch(self.expression) or is_cron(self.expression) or _is_at(self.expression)
        forms = "rate(…), cron(minutes hours day-of-month month day-of-week year) or at(…)"
        require(bool(known), f"{setting}.expression", f"{self.expression!r} is no {forms} of EventBridge Scheduler")
        below = re.fullmatch(r"rosters/[^/].*", self.roster) is not None
        require(below, f"{setting}.roster", f"{self.roster!r} is no key below rosters/")
        require(self.max_age >= 0, f"{setting}.max_age", "must be 0 or more seconds")
        zone = self.time_zone in available_timezones()
        require(zone, f"{setting}.time_zone", f"{self.time_zone!r} is no IANA time zone")


def _is_at(expression: str) -> bool:
    read = _AT.fullmatch(expression)
    try:
        return read is not None and bool(datetime.fromisoformat(read.group(1)))
    except ValueError:
        return False
