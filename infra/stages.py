"""What differs between the stages, as frozen values. The constructs take these as arguments and never ask for a name.

Everything is checked when a value is built: an error names the setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lookup.errors import Misconfigured
from lookup.settings import Quota
from lookup.settings import Workspace as WorkspaceSettings

SERVICE = "moengage-lookup"
LOG_RETENTION_DAYS = (1, 7, 14, 30, 90, 180, 365)
PARTNER_LIMIT = 50  # audiences of one JWT authoriser (API Gateway quotas)
# Names that mean something else: whose lookups those of the stage's schedules are, and prefixes below `rosters/`.
NO_PARTNERS = frozenset({"operator", "inline", "unpacked"})
HEAVIEST = 1000
FEEDER_TICK = "feeder-tick"  # the schedule that feeds what waits, every minute
NO_VENDOR = "http://127.0.0.1:9"  # the discard port: a local stage without an endpoint of its own asks nobody

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PARTNER = re.compile(r"[a-z][a-z0-9-]{0,32}")  # with a dot and a schedule's name of 30, the Scheduler's 64
_RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_CRON = re.compile(r"cron\(\S+( \S+){5}\)")
_AT = re.compile(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)")


def _require(ok: bool, setting: str, rule: str) -> None:  # noqa: FBT001 - reads as a sentence: require(condition, …)
    if not ok:
        raise Misconfigured(setting, rule)


def _require_name(name: str, setting: str) -> None:
    _require(_NAME.fullmatch(name) is not None, setting, f"{name!r} must match {_NAME.pattern}")


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
        _require(_PARTNER.fullmatch(name) is not None, "partners", f"{name!r} must match {_PARTNER.pattern}")
        _require(name not in NO_PARTNERS, "partners", f"must not be {', '.join(sorted(NO_PARTNERS))}")
        unknown = sorted(set(self.workspaces) - set(workspaces))
        setting = f"partners.{name}"
        _require(bool(self.workspaces), f"{setting}.workspaces", "must name at least one")
        _require(not unknown, f"{setting}.workspaces", f"{unknown} are not configured")
        _require(self.fields is None or bool(self.fields), f"{setting}.fields", "must name at least one, or be None")
        daily = self.users_per_day is None or self.users_per_day >= 1
        _require(daily, f"{setting}.users_per_day", "must be at least 1, or None")
        _require(1 <= self.weight <= HEAVIEST, f"{setting}.weight", f"must be 1 to {HEAVIEST}")


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
        _require_name(self.name, "schedules.name")
        _require(self.name != FEEDER_TICK, "schedules.name", f"{FEEDER_TICK!r} is the service's own")
        known = any(form.fullmatch(self.expression) for form in (_RATE, _CRON, _AT))
        _require(known, f"schedules.{self.name}.expression", f"{self.expression!r} is no rate(…), cron(…) or at(…)")
        below = re.fullmatch(r"rosters/[^/].*", self.roster) is not None
        _require(below, f"schedules.{self.name}.roster", f"{self.roster!r} is no key below rosters/")
        _require(self.max_age >= 0, f"schedules.{self.name}.max_age", "must be 0 or more seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of the service.

    `retain` keeps the data when the stack goes: retained, recoverable to a point in time, protected from deletion.
    `partners` get one app client each, under their names.
    """

    name: str
    workspaces: Mapping[str, Workspace]
    partners: Mapping[str, Partner]
    retain: bool
    schedules: tuple[Schedule, ...] = ()
    result_retention_days: int = 30
    profile_retention_days: int = 30
    not_found_retention_days: int = 1
    log_retention_days: int = 30
    log_level: str = "INFO"
    requests_per_second: int = 50
    request_burst: int = 100
    moengage_endpoint_url: str | None = None

    def __post_init__(self) -> None:
        _require_name(self.name, "stage")
        _require("default" in self.workspaces, "workspaces", "must contain 'default'")
        for name in self.workspaces:
            _require_name(name, "workspaces")
        self._check_partners()
        self._check_schedules()
        self._check_retention()

    def _check_partners(self) -> None:
        _require(0 < len(self.partners) <= PARTNER_LIMIT, "partners", f"must be 1 to {PARTNER_LIMIT}")
        for name, partner in self.partners.items():
            partner.check(name, self.workspaces)

    def _check_schedules(self) -> None:
        names = [schedule.name for schedule in self.schedules]
        _require(len(set(names)) == len(names), "schedules", "must differ in name")
        for schedule in self.schedules:
            known = schedule.workspace in self.workspaces
            _require(known, f"schedules.{schedule.name}.workspace", f"{schedule.workspace!r} is not configured")

    def _check_retention(self) -> None:
        for setting in ("result_retention_days", "profile_retention_days", "not_found_retention_days"):
            _require(getattr(self, setting) >= 1, setting, "must be at least 1 day")
        _require(self.log_retention_days in LOG_RETENTION_DAYS, "log_retention_days", f"is one of {LOG_RETENTION_DAYS}")
        _require(self.log_level in {"DEBUG", "INFO", "WARN", "ERROR"}, "log_level", "is DEBUG, INFO, WARN or ERROR")


def _one_workspace() -> Mapping[str, Workspace]:
    return MappingProxyType({"default": Workspace()})


def _one_partner() -> Mapping[str, Partner]:
    return MappingProxyType({"demo": Partner()})


def _dev(_: Mapping[str, str]) -> Stage:
    return Stage(name="dev", workspaces=_one_workspace(), partners=_one_partner(), retain=False, log_retention_days=7)


def _prod(_: Mapping[str, str]) -> Stage:
    return Stage(name="prod", workspaces=_one_workspace(), partners=_one_partner(), retain=True, log_retention_days=90)


def _local(environment: Mapping[str, str]) -> Stage:
    return Stage(
        name="local",
        workspaces=_one_workspace(),
        partners=_one_partner(),
        retain=False,
        schedules=(Schedule(name="demo-refresh", expression="rate(1 minute)", roster="rosters/demo.csv"),),
        log_retention_days=1,
        moengage_endpoint_url=environment.get("MOENGAGE_ENDPOINT_URL", NO_VENDOR),
    )


_STAGES = MappingProxyType({"dev": _dev, "prod": _prod, "local": _local})


def stage_named(name: str, environment: Mapping[str, str]) -> Stage:
    """Give a stage's values; the local one takes MOENGAGE_ENDPOINT_URL from `environment`. Raises `Misconfigured`."""
    if name not in _STAGES:
        raise Misconfigured("STAGE", f"{name!r} is not one of {', '.join(_STAGES)}")
    return _STAGES[name](environment)
