"""What differs between the stages, as frozen values. The constructs take these as arguments and never ask for a name.

Everything is checked when a value is built: an error names the setting. `docs/configuration.md` lists them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from infra.stage_partners import PARTNER_LIMIT, Issuer, Partner
from infra.stage_parts import FEEDER_TICK, Schedule, Workspace, require, require_distinct, require_name
from lookup.errors import Misconfigured

SERVICE = "moengage-lookup"
LOG_RETENTION_DAYS = (1, 7, 14, 30, 90, 180, 365)
NO_VENDOR = "http://127.0.0.1:9"  # the discard port: a local stage without an endpoint of its own asks nobody
OWN_TAGS = frozenset({"service", "stage"})
TAG_LIMIT, TAG_LENGTH = 40, 256
# Cognito, of a domain's prefix: 63 characters, 16 of them the service's, 13 the account's; and none of AWS's names.
NAME_LENGTH, NAMES_OF_AWS = 34, ("amazon", "aws", "cognito")
SILENT_MOST = 23 * 60
OLDEST_MOST = 13 * 24 * 60

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TAG = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of the service.

    `retain` keeps the data when the stack goes: retained, recoverable to a point in time, protected from deletion.
    `partners` get one app client each, under their names; with an `issuer` of your own they have theirs there.
    `token_url` is where /docs gets tokens from; None is the user pool's endpoint, or with an issuer nowhere.
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
    queue_memory_mb: int = 256
    tracing: bool = False
    snap_start: bool = False
    fixed_egress: bool = False
    alarms: bool = False
    alarm_email: str | None = None
    silent_minutes: int = 15
    oldest_message_minutes: int = 60
    runbook_url: str = "docs/runbook.md"
    tags: Mapping[str, str] = field(default_factory=dict)
    issuer: Issuer | None = None
    token_url: str | None = None

    def __post_init__(self) -> None:
        self._check_name()
        require("default" in self.workspaces, "workspaces", "must contain 'default'")
        for name in self.workspaces:
            require_name(name, "workspaces")
        require_distinct(self.workspaces, "workspaces")
        self._check_partners()
        self._check_schedules()
        self._check_retention()
        self._check_functions()
        self._check_alarms()
        self._check_tags()

    def _check_name(self) -> None:
        require_name(self.name, "stage")
        require(len(self.name) <= NAME_LENGTH, "stage", f"{self.name!r} must have at most {NAME_LENGTH} characters")
        taken = [name for name in NAMES_OF_AWS if name in self.name]
        require(not taken, "stage", f"{self.name!r} must not contain {', '.join(taken)}: Cognito takes no such domain")

    def _check_partners(self) -> None:
        require(0 < len(self.partners) <= PARTNER_LIMIT, "partners", f"must be 1 to {PARTNER_LIMIT}")
        for name, partner in self.partners.items():
            partner.check(name, self.workspaces)
            own = self.issuer is not None or partner.client_id is None
            require(own, f"partners.{name}.client_id", "needs an issuer; without one the stack makes the client")
        require_distinct(self.partners, "partners")
        if self.issuer is not None:
            self.issuer.check(self.partners)

    def _check_schedules(self) -> None:
        names = [schedule.name for schedule in self.schedules]
        require(len(set(names)) == len(names), "schedules", "must differ in name")
        require_distinct((FEEDER_TICK, *names), "schedules")
        for schedule in self.schedules:
            known = schedule.workspace in self.workspaces
            require(known, f"schedules.{schedule.name}.workspace", f"{schedule.workspace!r} is not configured")

    def _check_retention(self) -> None:
        for setting in ("result_retention_days", "profile_retention_days", "not_found_retention_days"):
            require(getattr(self, setting) >= 1, setting, "must be at least 1 day")
        require(self.log_retention_days in LOG_RETENTION_DAYS, "log_retention_days", f"is one of {LOG_RETENTION_DAYS}")
        # Metrics are lines of the log without a level, and Lambda takes those for INFO.
        require(self.log_level in {"DEBUG", "INFO"}, "log_level", "is DEBUG or INFO, or metrics would be dropped")

    def _check_functions(self) -> None:
        require(128 <= self.queue_memory_mb <= 10_240, "queue_memory_mb", "must be 128 to 10240 MB")  # noqa: PLR2004 - Lambda's bounds
        require(self.requests_per_second >= 1, "requests_per_second", "must be at least 1")
        require(self.request_burst >= 1, "request_burst", "must be at least 1")

    def _check_alarms(self) -> None:
        # CloudWatch looks back a day at most, and the alarm allows for metrics that come late.
        require(1 <= self.silent_minutes <= SILENT_MOST, "silent_minutes", f"must be 1 to {SILENT_MOST} minutes")
        bound = f"must be 1 to {OLDEST_MOST} minutes: queues keep messages for 14 days"
        require(1 <= self.oldest_message_minutes <= OLDEST_MOST, "oldest_message_minutes", bound)
        if self.alarm_email is not None:
            require(self.alarms, "alarm_email", "needs alarms")
            require(_EMAIL.fullmatch(self.alarm_email) is not None, "alarm_email", "is no e-mail address")

    def _check_tags(self) -> None:
        require(len(self.tags) <= TAG_LIMIT, "tags", f"must be at most {TAG_LIMIT}")
        for key, value in self.tags.items():
            known = _TAG.fullmatch(key) is not None and not key.lower().startswith("aws:") and key not in OWN_TAGS
            require(known, "tags", f"{key!r} is no tag key, or AWS's or the service's own")
            require(len(value) <= TAG_LENGTH, f"tags.{key}", f"must have at most {TAG_LENGTH} characters")
            plain = _TAG_VALUE.fullmatch(value) is not None
            require(plain, f"tags.{key}", "must be letters, digits, spaces and _ . : / = + - @")


def _one_workspace() -> Mapping[str, Workspace]:
    return MappingProxyType({"default": Workspace()})


def _one_partner() -> Mapping[str, Partner]:
    return MappingProxyType({"demo": Partner()})


def _dev(_: Mapping[str, str]) -> Stage:
    return Stage(name="dev", workspaces=_one_workspace(), partners=_one_partner(), retain=False, log_retention_days=7)


def _prod(_: Mapping[str, str]) -> Stage:
    return Stage(
        name="prod",
        workspaces=_one_workspace(),
        partners=_one_partner(),
        retain=True,
        log_retention_days=90,
        alarms=True,
    )


def _local(environment: Mapping[str, str]) -> Stage:
    return Stage(
        name="local",
        workspaces=_one_workspace(),
        partners=_one_partner(),
        retain=False,
        schedules=(Schedule(name="demo-refresh", expression="rate(1 minute)", roster="rosters/demo.csv"),),
        log_retention_days=1,
        moengage_endpoint_url=environment.get("MOENGAGE_ENDPOINT_URL", NO_VENDOR),
        token_url="/oauth2/token",  # noqa: S106 - an address: the embedded AWS has one origin for everything
    )


_STAGES = MappingProxyType({"dev": _dev, "prod": _prod, "local": _local})


def stage_named(name: str, environment: Mapping[str, str]) -> Stage:
    """Give a stage's values; the local one takes MOENGAGE_ENDPOINT_URL from `environment`. Raises `Misconfigured`."""
    if name not in _STAGES:
        raise Misconfigured("STAGE", f"{name!r} is not one of {', '.join(_STAGES)}")
    return _STAGES[name](environment)
