"""What a stage may set. The constructs take a stage as an argument and never look at its name.

Everything is checked when a value is built: an error names the setting. `docs/configuration.md` lists them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.stage_settings.checks import port_of, require_kinds, require_list, require_made_of, require_tags
from infra.stage_settings.concurrency import check_concurrency
from infra.stage_settings.partners import PARTNER_LIMIT, Issuer, Partner
from infra.stage_settings.workspaces import FEEDER_TICK, Schedule, Workspace, require_distinct, require_name
from lookup.erasure.requests import TOMBSTONES_LIMIT
from lookup.errors import require

SERVICE = "moengage-lookup"
LOCAL = "local"  # the stage that runs on this machine
HTTPS = 443  # the one port that a network with a fixed address allows
LOG_RETENTION_DAYS = (1, 7, 14, 30, 90, 180, 365)
# Cognito, of a domain's prefix: 63 characters, 16 of them the service's, 13 the account's; and none of AWS's names.
NAME_LENGTH, NAMES_OF_AWS = 34, ("amazon", "aws", "cognito")
SILENT_MOST = 23 * 60
OLDEST_MOST = 13 * 24 * 60
LOOKUPS_MOST, SCHEDULES_MOST, UPLOADS_MOST = 100_000, 1000, 1000
# A restored table is up to 35 days old, and a dead letter that is sent again up to 28: neither may bring anybody back.
ROSTER_TEXT = 2000  # characters of the rosters of all schedules, of the 4 KB that Lambda has for variables
TOMBSTONE_LEAST = 36
ERASED_MOST = TOMBSTONES_LIMIT * 9 // 10  # people that all partners may have erased at a time; operators have the rest
DAYS_MOST = 36_500  # a hundred years
RETENTIONS = (
    "result_retention_days", "profile_retention_days", "not_found_retention_days", "roster_retention_days",
)  # fmt: skip
ROSTER_MEGABYTES_MOST = 4096  # one PUT of S3 takes 5 GB
UNPACKED_MEGABYTES_MOST = 2048  # that a conversion has the time for, whatever the roster holds
# Athena lists every projected partition of a query without a filter; beyond this it times out.
PARTITIONS_MOST = 100_000
HOURS = 24
ZONES_MOST = 6  # no region has more availability zones

_ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9][a-z]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of the service.

    `retain` keeps the data of a deleted stack: retained, recoverable to a point in time, protected from deletion.
    `recoverable` makes the tables of a stage without `retain` recoverable, too.
    `partners` get one app client each, under their names; with an `issuer` of your own they have theirs there.
    `token_url` is where /docs gets tokens from; None is the user pool's endpoint, or with an issuer nowhere.
    `answers_window_seconds` is how long answers at once are gathered before they are written to S3 together.
    `console_urls` are further addresses of the console, such as that of a domain of your own; `console_mfa` asks people
    of the stack's own user pool for a second factor.
    `account_concurrency` is the account's quota of executions at once, of which `request_concurrency` are reserved for
    the HTTP API.
    """

    name: str
    workspaces: Mapping[str, Workspace]
    partners: Mapping[str, Partner]
    retain: bool
    schedules: tuple[Schedule, ...] = ()
    result_retention_days: int = 30
    profile_retention_days: int = 30
    not_found_retention_days: int = 1
    roster_retention_days: int = 90
    tombstone_days: int = 90
    roster_megabytes: int = 256
    unpacked_roster_megabytes: int = 1024
    log_retention_days: int = 30
    log_level: str = "INFO"
    requests_per_second: int = 50
    request_burst: int = 100
    lookups_per_partner: int = 1000
    schedules_per_partner: int = 50
    uploads_per_partner: int = 100
    waiting_requests: int = 100
    request_concurrency: int | None = None
    schedule_concurrency: int | None = None
    account_concurrency: int = 1000
    moengage_endpoint_url: str | None = None
    queue_memory_mb: int = 256
    answers_window_seconds: int = 300
    tracing: bool = False
    snap_start: bool = False
    recoverable: bool = False
    fixed_egress: bool = False
    egress_zones: tuple[str, ...] = ()
    alarms: bool = False
    alarm_email: str | None = None
    silent_minutes: int = 15
    oldest_message_minutes: int = 60
    runbook_url: str = "docs/runbook.md"
    tags: Mapping[str, str] = field(default_factory=dict)
    issuer: Issuer | None = None
    token_url: str | None = None
    console_urls: tuple[str, ...] = ()
    console_mfa: bool = True

    @property
    def has_people(self) -> bool:
        """Whether anybody may sign in to the console."""
        return any(partner.console_groups for partner in self.partners.values())

    def __post_init__(self) -> None:
        require_kinds(self, "")
        self._check_name()
        self._check_workspaces()
        self._check_partners()
        self._check_schedules()
        self._check_retention()
        self._check_rosters()
        self._check_functions()
        self._check_egress()
        self._check_addresses()
        self._check_alarms()
        require_tags(self.tags, "tags")

    def _check_workspaces(self) -> None:
        require_made_of(self.workspaces, Workspace, "workspaces")
        require("default" in self.workspaces, "workspaces", "must contain 'default'")
        for name in self.workspaces:
            require_name(name, "workspaces")
        require_distinct(self.workspaces, "workspaces")

    def _check_name(self) -> None:
        require_name(self.name, "stage")
        require(len(self.name) <= NAME_LENGTH, "stage", f"{self.name!r} must have at most {NAME_LENGTH} characters")
        taken = [name for name in NAMES_OF_AWS if name in self.name]
        require(not taken, "stage", f"{self.name!r} must not contain {', '.join(taken)}: Cognito takes no such domain")

    def _check_partners(self) -> None:
        require_made_of(self.partners, Partner, "partners")
        most = PARTNER_LIMIT - self.has_people
        require(0 < len(self.partners) <= most, "partners", f"must be 1 to {most}")
        for name, partner in self.partners.items():
            partner.check(name, {one: known.fields for one, known in self.workspaces.items()})
            own = self.issuer is not None or partner.client_id is None
            require(own, f"partners.{name}.client_id", "needs an issuer; without one the stack makes the client")
        require_distinct(self.partners, "partners")
        groups = [group for partner in self.partners.values() for group in partner.console_groups]
        twice = sorted({group for group in groups if groups.count(group) > 1})
        require(not twice, "partners", f"must differ in console_groups: {twice} are of several")
        if self.issuer is not None:
            require(isinstance(self.issuer, Issuer), "issuer", "must be an Issuer")
            self.issuer.check(self.partners)

    def _check_schedules(self) -> None:
        given: object = self.schedules
        many = isinstance(given, tuple | list) and all(isinstance(one, Schedule) for one in given)
        require(many, "schedules", "must be a tuple of Schedule; of one it is (Schedule(…),)")
        names = [schedule.name for schedule in self.schedules]
        require(len(set(names)) == len(names), "schedules", "must differ in name")
        require_distinct((FEEDER_TICK, *names), "schedules")
        rosters = sum(len(one.roster) + 4 for one in self.schedules)
        rule = f"must name rosters of {ROSTER_TEXT:,} characters together at most: a function gets them as a variable"
        require(rosters <= ROSTER_TEXT, "schedules", rule)
        for schedule in self.schedules:
            known = schedule.workspace in self.workspaces
            require(known, f"schedules.{schedule.name}.workspace", f"{schedule.workspace!r} is not configured")
            exported = self.workspaces[schedule.workspace].fields
            barred = [] if exported is None else sorted(set(schedule.fields or ()) - set(exported))
            rule = f"{barred} are not among the workspace's"
            require(not barred, f"schedules.{schedule.name}.fields", rule)

    def _check_retention(self) -> None:
        for setting in RETENTIONS:
            require(1 <= getattr(self, setting) <= DAYS_MOST, setting, f"must be 1 to {DAYS_MOST} days")
        require(
            TOMBSTONE_LEAST <= self.tombstone_days <= DAYS_MOST,
            "tombstone_days",
            f"must be {TOMBSTONE_LEAST} to {DAYS_MOST}: a table may be restored to 35 days ago",
        )
        # Each partner's limit is a day's: only its sum keeps one from using up what others may have erased.
        erased = sum(partner.erase for partner in self.partners.values()) * self.tombstone_days
        rule = f"of all partners, times tombstone_days ({self.tombstone_days}), must be at most {ERASED_MOST}"
        require(erased <= ERASED_MOST, "partners.erase", rule)
        require(self.log_retention_days in LOG_RETENTION_DAYS, "log_retention_days", f"is one of {LOG_RETENTION_DAYS}")
        # Metrics are lines of the log without a level, and Lambda takes those for INFO.
        require(self.log_level in {"DEBUG", "INFO"}, "log_level", "is DEBUG or INFO, or metrics would be dropped")
        partitions = (self.result_retention_days + 2) * HOURS * len(self.workspaces)
        rule = f"times {len(self.workspaces)} workspaces and {HOURS} hours must be under {PARTITIONS_MOST} partitions"
        require(partitions < PARTITIONS_MOST, "result_retention_days", rule)

    def _check_rosters(self) -> None:
        fits = f"must be 1 to {ROSTER_MEGABYTES_MOST} MB"
        require(1 <= self.roster_megabytes <= ROSTER_MEGABYTES_MOST, "roster_megabytes", fits)
        fits = f"must be 1 to {UNPACKED_MEGABYTES_MOST} MB"
        require(1 <= self.unpacked_roster_megabytes <= UNPACKED_MEGABYTES_MOST, "unpacked_roster_megabytes", fits)

    def _check_functions(self) -> None:
        require(128 <= self.queue_memory_mb <= 10_240, "queue_memory_mb", "must be 128 to 10240 MB")  # noqa: PLR2004 - Lambda's bounds
        window = "answers_window_seconds"
        require(1 <= self.answers_window_seconds <= 300, window, "must be 1 to 300 seconds")  # noqa: PLR2004 - as above
        require(self.requests_per_second >= 1, "requests_per_second", "must be at least 1")
        require(self.request_burst >= 1, "request_burst", "must be at least 1")
        for owned, most in (("lookups", LOOKUPS_MOST), ("schedules", SCHEDULES_MOST), ("uploads", UPLOADS_MOST)):
            setting = f"{owned}_per_partner"
            require(1 <= getattr(self, setting) <= most, setting, f"must be 1 to {most}")
        require(self.waiting_requests >= 1, "waiting_requests", "must be at least 1")
        check_concurrency(self)

    def _check_egress(self) -> None:
        zones = self.egress_zones
        require_list(zones, "egress_zones")
        named = len(set(zones)) == len(zones) <= ZONES_MOST and all(_ZONE.fullmatch(zone) for zone in zones)
        require(named, "egress_zones", f"must be up to {ZONES_MOST} different zones such as 'eu-central-1a'")
        require(self.fixed_egress or not zones, "egress_zones", "needs fixed_egress")

    def _check_addresses(self) -> None:
        require_list(self.console_urls, "console_urls")
        for url in self.console_urls:
            port_of(url, "console_urls", schemes=("https",))
            require(url.endswith("/console"), "console_urls", f"{url!r} must end with /console")
        if self.token_url is not None and self.name != LOCAL:  # there it is a path
            port_of(self.token_url, "token_url", schemes=("https",))
        if self.moengage_endpoint_url is None:
            return
        # The key of a workspace is sent there: in clear only on the machine that the local stage runs on.
        schemes = ("http", "https") if self.name == LOCAL else ("https",)
        port = port_of(self.moengage_endpoint_url, "moengage_endpoint_url", schemes=schemes)
        way_out = not self.fixed_egress or port == HTTPS
        require(way_out, "moengage_endpoint_url", f"is at port {port}; fixed_egress lets only {HTTPS} out")

    def _check_alarms(self) -> None:
        # CloudWatch looks back a day at most, and the alarm allows for metrics that arrive late.
        require(1 <= self.silent_minutes <= SILENT_MOST, "silent_minutes", f"must be 1 to {SILENT_MOST} minutes")
        bound = f"must be 1 to {OLDEST_MOST} minutes: queues keep messages for 14 days"
        require(1 <= self.oldest_message_minutes <= OLDEST_MOST, "oldest_message_minutes", bound)
        fits = re.fullmatch(r"\S{1,512}", self.runbook_url) is not None
        require(fits, "runbook_url", "must be 1 to 512 characters without spaces: it is part of every alarm's text")
        if self.alarm_email is not None:
            require(self.alarms, "alarm_email", "needs alarms")
            require(_EMAIL.fullmatch(self.alarm_email) is not None, "alarm_email", "is no e-mail address")
