"""What the functions are told from outside, typed, checked and read once.

The only module that reads the environment. The infrastructure writes the same values through `Settings.to_environment`,
so the names of the variables exist in one place. Nothing falls back to a value of the host's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lookup.errors import Misconfigured, UnknownWorkspace


def _require(ok: bool, setting: str, rule: str) -> None:  # noqa: FBT001 - reads as a sentence: require(condition, …)
    if not ok:
        raise Misconfigured(setting, rule)


@dataclass(frozen=True, slots=True)
class Quota:
    """How a workspace's vendor quota is spent. Seconds and users; see `docs/gate.md`."""

    limit: int = 1000
    window: float = 60.0
    clock_skew: float = 0.25
    send_spread: float = 0.5
    guard: float = 1.0
    slot: float = 1.0
    headroom: int = 20
    quiet_headroom: int = 2
    pace_window: float = 3.0
    pace_factor: float = 1.2

    def __post_init__(self) -> None:
        _require(self.limit >= 1, "quota.limit", "must be at least 1 user")
        _require(self.window >= 1, "quota.window", "must be at least 1 second")
        _require(
            self.guard >= 2 * self.clock_skew + self.send_spread,
            "quota.guard", "must cover twice quota.clock_skew plus quota.send_spread",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workspace:
    """One MoEngage workspace: where its secret lies, what it may export, its quota."""

    secret_id: str
    fields: tuple[str, ...] | None = None
    moengage_id_name: str = "id"
    quota: Quota = field(default_factory=Quota)

    def __post_init__(self) -> None:
        _require(bool(self.secret_id), "workspace.secret_id", "must name a secret")
        _require(self.moengage_id_name in {"id", "moengage_id"}, "workspace.moengage_id_name", "is id or moengage_id")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Workspace:
        """Build from what `to_environment` wrote."""
        listed = data.get("fields")
        return cls(
            secret_id=data["secret_id"],
            fields=None if listed is None else tuple(listed),
            moengage_id_name=data.get("moengage_id_name", "id"),
            quota=Quota(**data.get("quota", {})),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one deployed stage tells its functions."""

    stage: str
    bucket_name: str
    profiles_table_name: str
    ledger_table_name: str
    intake_queue_url: str
    parts_queue_url: str
    intake_dead_letter_queue_url: str
    parts_dead_letter_queue_url: str
    workspaces: Mapping[str, Workspace]
    moengage_endpoint_url: str | None = None
    profile_retention_days: int = 30
    not_found_retention_days: int = 1

    def __post_init__(self) -> None:
        _require(bool(self.workspaces), "workspaces", "must name at least one workspace")
        _require(self.profile_retention_days >= 1, "profile_retention_days", "must be at least 1 day")
        _require(self.not_found_retention_days >= 1, "not_found_retention_days", "must be at least 1 day")

    def workspace(self, name: str) -> Workspace:
        """Give the named workspace's settings. Raises `UnknownWorkspace`."""
        if name not in self.workspaces:
            raise UnknownWorkspace(name)
        return self.workspaces[name]

    def to_environment(self) -> dict[str, str]:
        """Write these settings as environment variables; values may be unresolved CDK tokens."""
        values = {f.name.upper(): getattr(self, f.name) for f in fields(self)}
        values["WORKSPACES"] = json.dumps({name: asdict(w) for name, w in self.workspaces.items()})
        return {name: str(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises `Misconfigured` naming the variable that is missing or makes no sense."""
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {f.name: source[f.name.upper()] for f in fields(cls) if f.name.upper() in source}
        try:
            values["workspaces"] = {n: Workspace.from_json(w) for n, w in json.loads(values["workspaces"]).items()}
            for name in ("profile_retention_days", "not_found_retention_days"):
                if name in values:
                    values[name] = int(values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Misconfigured("environment", f"{type(error).__name__}: {error}") from error
