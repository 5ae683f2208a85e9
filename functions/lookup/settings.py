"""What the functions are told from outside, typed, checked and read once.

The only module that reads the environment. The infrastructure writes the same values through `Settings.to_environment`,
so the names of the variables exist in one place. Nothing falls back to a value of the host's own.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from lookup.errors import Misconfigured, UnknownWorkspace

HIGHEST_LIMIT = 1_000_000  # users: far over any vendor's, and small enough for the gate's item
LONGEST_WINDOW = 86_400.0  # seconds; no vendor's is longer, and its closings last fifteen windows
HIGHEST_SKEW = 0.5  # seconds: the gate may take a clock that is further off for one that has jumped
HIGHEST_FACTOR = 1_000_000.0  # of a pace: more is none
RING_SLOTS = 62  # slots that the gate's item can hold under 1 KB, with its margins
HALF = 0.5
TOO_LARGE = 1e300  # whole numbers may be larger than any that can be reckoned with
TOLERANCE = 1e-9  # of sums of settings: 2 * 0.025 + 0.05 is not quite 0.1


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
    transit: float = 0.25
    guard: float = 1.0
    headroom: int = 20
    quiet_headroom: int = 2
    pace_window: float = 3.0
    pace_factor: float = 1.2
    smooth_factor: float = 1.06

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            number = isinstance(value, int | float) and abs(value) < TOO_LARGE
            _require(number and not isinstance(value, bool), f"quota.{setting.name}", "must be a finite number")
            whole = setting.type != "int" or isinstance(value, int)
            _require(whole, f"quota.{setting.name}", "must be a whole number of users")
        for name, ok, rule in self._rules():
            _require(ok, f"quota.{name}", rule)

    @property
    def guarded(self) -> float:
        """For how long a grant counts: the window and the guard (seconds)."""
        return self.window + self.guard

    @property
    def slot(self) -> float:
        """The resolution of the window (seconds): as fine as the gate's item has room for.

        What a grant counts is a whole number of slots and a half, so that what comes free can be granted again within
        half a slot, and half a slot is lost instead of a whole one.
        """
        most = RING_SLOTS * self.guarded / (self.guarded + 2 * self.clock_skew)
        return self.guarded / (math.floor(most - HALF) + HALF)

    @property
    def cycle(self) -> float:
        """After how many seconds, at the earliest that callers can rely on, a granted user can be granted again."""
        return self.guarded + HALF * self.slot

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        yield "limit", 1 <= self.limit <= HIGHEST_LIMIT, "must be 1 to 1,000,000 users"
        yield "window", 1 <= self.window <= LONGEST_WINDOW, "must be 1 second to a day"
        yield "clock_skew", 0 <= self.clock_skew <= HIGHEST_SKEW + TOLERANCE, "must be 0 to 0.5 seconds"
        yield "transit", self.transit > 0, "must be over 0 seconds"
        yield "send_spread", self.send_spread > self.transit, "must be over quota.transit"
        covered = self.guard >= 2 * self.clock_skew + self.send_spread - TOLERANCE
        yield "guard", covered, "must cover twice quota.clock_skew plus quota.send_spread"
        yield "guard", self.guard <= self.window, "must be at most quota.window"
        yield "headroom", 0 <= self.headroom < self.limit, "must be 0 or more and under quota.limit"
        yield "quiet_headroom", 0 <= self.quiet_headroom <= self.headroom, "must be 0 or more, at most quota.headroom"
        yield (
            "pace_window",
            self.slot <= self.pace_window <= self.window,
            f"must be from a slot ({self.slot:.3g} s) to quota.window",
        )
        for name in ("smooth_factor", "pace_factor"):
            speed = "must be 1 to 1,000,000; under 1 the quota cannot be used"
            yield name, 1 <= getattr(self, name) <= HIGHEST_FACTOR, speed


@dataclass(frozen=True, slots=True)
class Workspace:
    """One MoEngage workspace: where its secret lies, what it may export, its quota.

    Without `keep_profiles` what is fetched goes to the result objects only.
    """

    secret_id: str
    fields: tuple[str, ...] | None = None
    moengage_id_name: str = "id"
    quota: Quota = field(default_factory=Quota)
    keep_profiles: bool = True

    def __post_init__(self) -> None:
        _require(isinstance(self.keep_profiles, bool), "workspace.keep_profiles", "is true or false")
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
            keep_profiles=data.get("keep_profiles", True),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one deployed stage tells its functions.

    `partners_parameter_name` is the SSM parameter that holds the grants. The `schedule_…` settings are what a new
    schedule is made of; only the function that keeps schedules has them. `token_url` is where partners get their
    tokens; the function that answers them says so in its OpenAPI document.
    """

    stage: str
    bucket_name: str
    profiles_table_name: str
    ledger_table_name: str
    intake_queue_url: str
    parts_queue_url: str
    intake_dead_letter_queue_url: str
    parts_dead_letter_queue_url: str
    event_bus_name: str
    partners_parameter_name: str
    workspaces: Mapping[str, Workspace]
    moengage_endpoint_url: str | None = None
    profile_retention_days: int = 30
    not_found_retention_days: int = 1
    schedule_group_name: str | None = None
    schedule_role_arn: str | None = None
    schedule_target_arn: str | None = None
    schedule_dead_letter_queue_arn: str | None = None
    token_url: str | None = None

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
        """Write these settings as environment variables; values may be unresolved CDK tokens.

        Of workspaces only what differs from the defaults: Lambda takes 4 KB for all variables of a function.
        """
        values = {f.name.upper(): getattr(self, f.name) for f in fields(self)}
        values["WORKSPACES"] = json.dumps(
            {name: _changed(workspace) for name, workspace in self.workspaces.items()}, separators=(",", ":")
        )
        return {name: str(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises `Misconfigured` naming the variable that is missing or makes no sense."""
        source = os.environ if environment is None else environment
        values = {f.name: _value(f, source) for f in fields(cls) if f.name.upper() in source or f.default is MISSING}
        return cls(**values)


def _changed(value: Workspace | Quota) -> dict[str, Any]:
    given = {setting.name: getattr(value, setting.name) for setting in fields(value)}
    told = {setting.name for setting in fields(value) if given[setting.name] != _default(setting)}
    return {name: _changed(one) if isinstance(one, Quota) else one for name, one in given.items() if name in told}


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
    "not_found_retention_days": int,
}
