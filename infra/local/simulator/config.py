"""How a simulator behaves: frozen values with a JSON form, the same in a file, in the admin route and in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

WORKSPACE_ID = "SIMULATED_WORKSPACE"
DATA_API_KEY = "simulated-key"

QuotaMode = Literal["sliding", "fixed", "token_bucket", "off"]
ResetReading = Literal["seconds_left", "epoch", "absent"]
BodyShape = Literal["data", "root", "both"]
IdName = Literal["id", "moengage_id", "both"]
Distribution = Literal["constant", "uniform", "lognormal"]


@dataclass(frozen=True, slots=True)
class QuotaConfig:
    """A workspace's quota: `limit` users in `window` seconds, counted as `mode` says.

    `count_refused`: a refused call uses quota too. `reset` is how `x-ratelimit-reset` is written ("absent" leaves all
    three rate-limit headers out).
    """

    mode: QuotaMode = "sliding"
    limit: int = 1000
    window: float = 60.0
    count_refused: bool = False
    reset: ResetReading = "seconds_left"


@dataclass(frozen=True, slots=True)
class LatencyConfig:
    """How long an answer takes, in seconds, beside the server's own work of a few milliseconds.

    `constant`: always `mean`. `uniform`: `mean` ± `spread`. `lognormal`: mean of `mean`, sigma of `spread`.
    """

    mean: float = 0.25
    distribution: Distribution = "lognormal"
    spread: float = 0.35
    seed: int = 0


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """One MoEngage workspace: its key, its quota and which reading of the documents it follows."""

    data_api_key: str = field(default=DATA_API_KEY, repr=False)
    body_shape: BodyShape = "data"
    id_name: IdName = "both"
    quota: QuotaConfig = field(default_factory=QuotaConfig)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WorkspaceConfig:
        """Build from a JSON object. Raises TypeError for an unknown key."""
        return cls(**{**data, "quota": QuotaConfig(**data.get("quota", {}))})


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The whole simulator. `workspaces` is keyed by workspace id; `not_found_share` is of all identifiers, 0 to 1."""

    workspaces: Mapping[str, WorkspaceConfig] = field(default_factory=lambda: {WORKSPACE_ID: WorkspaceConfig()})
    latency: LatencyConfig = field(default_factory=LatencyConfig)
    not_found_share: float = 0.1
    log_identifiers: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SimulatorConfig:
        """Build from a JSON object; what is absent has its default. Raises TypeError for an unknown key."""
        given = dict(data)
        if "workspaces" in given:
            given["workspaces"] = {name: WorkspaceConfig.from_json(w) for name, w in given["workspaces"].items()}
        if "latency" in given:
            given["latency"] = LatencyConfig(**given["latency"])
        return cls(**given)

    def merged(self, patch: Mapping[str, Any]) -> SimulatorConfig:
        """Return this configuration with the keys of a partial JSON form laid over it, however deep."""
        return SimulatorConfig.from_json(_merge(self.to_json(), patch))

    def with_key(self, workspace_id: str, data_api_key: str) -> SimulatorConfig:
        """Return this configuration with one workspace's key replaced."""
        changed = replace(self.workspaces[workspace_id], data_api_key=data_api_key)
        return replace(self, workspaces={**self.workspaces, workspace_id: changed})


def instant(quota: QuotaConfig | None = None) -> SimulatorConfig:
    """Return the configuration that tests start from: one workspace, no latency, no quota unless given."""
    workspace = WorkspaceConfig(quota=quota or QuotaConfig(mode="off"))
    return SimulatorConfig(workspaces={WORKSPACE_ID: workspace}, latency=LatencyConfig(mean=0.0))


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in patch.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
