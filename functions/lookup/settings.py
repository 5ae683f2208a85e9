"""The settings of the functions, typed, checked and read once.

The only module that reads the environment. The infrastructure writes the same values through `Settings.to_environment`,
so the names of the variables exist in one place. No value falls back to one of the host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from lookup.errors import Misconfigured, UnknownWorkspace, require
from lookup.quota import Quota

MAX_WEIGHT = 1000  # weight of a share
WEIGHT_RULE = f"must be 1 to {MAX_WEIGHT}"


def is_weight(value: object) -> bool:
    """Return whether a share's weight is one that partners may have, too."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_WEIGHT


@dataclass(frozen=True, slots=True)
class Workspace:
    """One MoEngage workspace: its secret, the fields it may export, its quota.

    Without `keep_profiles` profiles are written to the result objects only. `intake_weight` is the intake queue's share
    of bulk, beside the partners' weights.
    """

    secret_id: str
    fields: tuple[str, ...] | None = None
    moengage_id_name: str = "id"
    quota: Quota = field(default_factory=Quota)
    keep_profiles: bool = True
    intake_weight: int = 1

    def __post_init__(self) -> None:
        require(isinstance(self.keep_profiles, bool), "workspace.keep_profiles", "is true or false")
        require(is_weight(self.intake_weight), "workspace.intake_weight", WEIGHT_RULE)
        require(bool(self.secret_id), "workspace.secret_id", "must name a secret")
        require(self.moengage_id_name in {"id", "moengage_id"}, "workspace.moengage_id_name", "is id or moengage_id")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Workspace:
        """Build from what `to_environment` wrote."""
        listed = data.get("fields")
        return cls(
            secret_id=data["secret_id"],
            fields=None if listed is None else tuple(listed),
            moengage_id_name=data.get("moengage_id_name", "id"),
            quota=Quota(**data.get("quota", {})),
            keep_profiles=data.get("keep_profiles", True),
            intake_weight=data.get("intake_weight", 1),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that one deployed stage passes to its functions.

    `partners_parameter_name` is the SSM parameter that holds the grants. The `schedule_…` settings are used for new
    schedules; only the function that creates schedules has them, and only the one that converts rosters has
    `conversion_dead_letter_queue_url`, only those that collect results or send webhooks the two of their queue.
    Answers at once are put on `answers_queue_url` to be archived; without it each is an object.
    `erasure_secret_id` is the key of tombstones; `erasure_queue_url` has who accepts erasures or serves them;
    who serves them has `scheduled_rosters`, the keys of rosters that the stage's own schedules name.
    `token_url` is where partners get their tokens, for the OpenAPI document.
    `client_claim` is the claim of a token that names the client. `lookups_per_partner` counts those of one workspace
    that have not ended, `uploads_per_partner` those whose URL has not expired. `waiting_requests` is how many requests
    wait for quota at once, of all partners together.
    """

    stage: str
    bucket_name: str
    profiles_table_name: str
    ledger_table_name: str
    intake_queue_url: str
    parts_queue_url: str
    intake_dead_letter_queue_url: str
    parts_dead_letter_queue_url: str
    conversion_queue_url: str
    event_bus_name: str
    partners_parameter_name: str
    workspaces: Mapping[str, Workspace]
    moengage_endpoint_url: str | None = None
    profile_retention_days: int = 30
    not_found_retention_days: int = 1
    roster_megabytes: int = 256
    unpacked_roster_megabytes: int = 1024
    conversion_dead_letter_queue_url: str | None = None
    answers_queue_url: str | None = None
    results_queue_url: str | None = None
    results_dead_letter_queue_url: str | None = None
    webhook_queue_url: str | None = None
    webhook_dead_letter_queue_url: str | None = None
    erasure_queue_url: str | None = None
    erasure_dead_letter_queue_url: str | None = None
    erasure_secret_id: str | None = None
    tombstone_days: int = 90
    scheduled_rosters: tuple[str, ...] = ()
    schedule_group_name: str | None = None
    schedule_role_arn: str | None = None
    schedule_target_arn: str | None = None
    schedule_dead_letter_queue_arn: str | None = None
    token_url: str | None = None
    client_claim: str = "client_id"
    lookups_per_partner: int = 1000
    schedules_per_partner: int = 50
    uploads_per_partner: int = 100
    waiting_requests: int = 100

    def __post_init__(self) -> None:
        require(bool(self.workspaces), "workspaces", "must name at least one workspace")
        require(self.profile_retention_days >= 1, "profile_retention_days", "must be at least 1 day")
        require(self.not_found_retention_days >= 1, "not_found_retention_days", "must be at least 1 day")
        require(self.tombstone_days >= 1, "tombstone_days", "must be at least 1 day")
        require(self.roster_megabytes >= 1, "roster_megabytes", "must be at least 1 MB")
        require(self.unpacked_roster_megabytes >= 1, "unpacked_roster_megabytes", "must be at least 1 MB")
        require(self.lookups_per_partner >= 1, "lookups_per_partner", "must be at least 1")
        require(self.schedules_per_partner >= 1, "schedules_per_partner", "must be at least 1")
        require(self.uploads_per_partner >= 1, "uploads_per_partner", "must be at least 1")

    @property
    def console_parameter_name(self) -> str:
        """The SSM parameter of the console: beside that of the partners, so it takes none of the environment's room."""
        return self.partners_parameter_name.rpartition("/")[0] + "/console"

    def workspace(self, name: str) -> Workspace:
        """Return the named workspace's settings. Raises `UnknownWorkspace`."""
        if name not in self.workspaces:
            raise UnknownWorkspace(name)
        return self.workspaces[name]

    def to_environment(self) -> dict[str, str]:
        """Return these settings as environment variables; values may be unresolved CDK tokens.

        Only what differs from the defaults is written: Lambda takes 4 KB for all variables of a function.
        """
        values = {f.name.upper(): getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        values["WORKSPACES"] = json.dumps(
            {name: _non_default(workspace) for name, workspace in self.workspaces.items()}, separators=(",", ":")
        )
        values = {name: json.dumps(one) if isinstance(one, tuple) else one for name, one in values.items()}
        return {name: str(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises `Misconfigured` naming the variable that is missing or malformed."""
        source = os.environ if environment is None else environment
        values = {f.name: _value(f, source) for f in fields(cls) if f.name.upper() in source or f.default is MISSING}
        return cls(**values)


def _non_default(value: Workspace | Quota) -> dict[str, Any]:
    values = ((setting, getattr(value, setting.name)) for setting in fields(value))
    changed = {setting.name: one for setting, one in values if one != _default(setting)}
    return {name: _non_default(one) if isinstance(one, Quota) else one for name, one in changed.items()}


def _default(setting: Field[Any]) -> Any:  # noqa: ANN401 - of the setting's own type
    return setting.default if setting.default_factory is MISSING else setting.default_factory()


def _value(setting: Field[Any], source: Mapping[str, str]) -> Any:  # noqa: ANN401 - of the setting's own type
    name = setting.name.upper()
    if name not in source:
        raise Misconfigured(name, "is not set")
    try:
        return _READERS.get(setting.name, str)(source[name])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Misconfigured(name, f"makes no sense ({type(error).__name__}: {error})") from error


def _workspaces(written: str) -> dict[str, Workspace]:
    return {name: Workspace.from_json(data) for name, data in json.loads(written).items()}


_READERS: Mapping[str, Callable[[str], Any]] = {
    "workspaces": _workspaces,
    "profile_retention_days": int,
    "waiting_requests": int,
    "tombstone_days": int,
    "scheduled_rosters": lambda written: tuple(json.loads(written)),
    "not_found_retention_days": int,
    "roster_megabytes": int,
    "unpacked_roster_megabytes": int,
    "lookups_per_partner": int,
    "schedules_per_partner": int,
    "uploads_per_partner": int,
}
