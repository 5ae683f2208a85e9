"""The stages of this service, as frozen values: a change is an edit here and a deploy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from infra.stage_settings.partners import Partner
from infra.stage_settings.stage import LOCAL, Stage
from infra.stage_settings.workspaces import Schedule, Workspace
from lookup.errors import Misconfigured, require
from lookup.quota import Quota

NO_VENDOR = "http://127.0.0.1:9"  # the discard port: a local stage without an endpoint of its own calls nothing


def _one_workspace() -> Mapping[str, Workspace]:
    return MappingProxyType({"default": Workspace()})


def _one_partner() -> Mapping[str, Partner]:
    return MappingProxyType({"demo": Partner()})


def _local_partners() -> Mapping[str, Partner]:
    """Return the demonstration's partner, and one of operators; the people of both can sign in to the console."""
    partners = {"demo": Partner(console_groups=("demo",)), "ops": Partner(admin=True, console_groups=("operators",))}
    return MappingProxyType(partners)


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    require(text.isdecimal(), name, f"{text!r} must be a whole number")
    return int(text)


def _dev(_: Mapping[str, str]) -> Stage:
    return Stage(name="dev", workspaces=_one_workspace(), partners=_one_partner(), retain=False, log_retention_days=7)


def _prod(_: Mapping[str, str]) -> Stage:
    return Stage(
        name="prod",
        workspaces=_one_workspace(),
        partners=_one_partner(),
        retain=True,
        log_retention_days=90,
        schedule_concurrency=20,
        alarms=True,
    )


def _local(environment: Mapping[str, str]) -> Stage:
    quota = Quota(limit=_number(environment, "MOENGAGE_QUOTA_LIMIT", Quota().limit))
    return Stage(
        name=LOCAL,
        workspaces=MappingProxyType({"default": Workspace(quota=quota)}),
        partners=_local_partners(),
        retain=False,
        schedules=(Schedule(name="demo-refresh", expression="rate(1 minute)", roster="rosters/demo.csv"),),
        log_retention_days=1,
        moengage_endpoint_url=environment.get("MOENGAGE_ENDPOINT_URL") or NO_VENDOR,
        queue_memory_mb=_number(environment, "REHEARSAL_MEMORY_MB", 256),
        answers_window_seconds=2,  # nobody waits for five minutes to see them
        token_url="/oauth2/token",  # noqa: S106 - an address: the embedded AWS has one origin for everything
        console_mfa=False,  # one click is enough
    )


def _rehearsal(environment: Mapping[str, str]) -> Stage:
    """Return a stage like prod that may be destroyed (`make rehearse`)."""
    return Stage(
        name="rehearsal",
        workspaces=_one_workspace(),
        partners=_one_partner(),
        retain=False,
        recoverable=True,
        log_retention_days=7,
        alarms=True,
        queue_memory_mb=_number(environment, "REHEARSAL_MEMORY_MB", 256),
    )


_STAGES = MappingProxyType({"dev": _dev, "prod": _prod, "rehearsal": _rehearsal, LOCAL: _local})


def stage_named(name: str, environment: Mapping[str, str]) -> Stage:
    """Return a stage's values; the local one takes MOENGAGE_ENDPOINT_URL from `environment`. Raises `Misconfigured`."""
    if name not in _STAGES:
        raise Misconfigured("STAGE", f"{name!r} is not one of {', '.join(_STAGES)}")
    return _STAGES[name](environment)
