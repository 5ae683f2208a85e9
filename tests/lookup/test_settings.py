"""The functions' settings."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.errors import Misconfigured, UnknownWorkspace
from lookup.quota import Quota
from lookup.settings import Settings, Workspace

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
QUOTAS = st.builds(
    Quota,
    limit=st.integers(200, 10_000),
    window=st.floats(40, 60),
    guard=st.floats(1, 1.4),
    headroom=st.integers(2, 100),
)
WORKSPACES = st.builds(
    Workspace,
    secret_id=WORDS,
    fields=st.none() | st.lists(WORDS, max_size=5).map(tuple),
    moengage_id_name=st.sampled_from(["id", "moengage_id"]),
    quota=QUOTAS,
    keep_profiles=st.booleans(),
)
NAMED = [field.name for field in fields(Settings) if field.default is MISSING and field.name != "workspaces"]
OPTIONAL = [field.name for field in fields(Settings) if field.default is None]
SETTINGS = st.builds(
    Settings,
    workspaces=st.dictionaries(WORDS, WORKSPACES, min_size=1, max_size=3),
    profile_retention_days=st.integers(1, 3650),
    not_found_retention_days=st.integers(1, 3650),
    **dict.fromkeys(NAMED, WORDS),
    **dict.fromkeys(OPTIONAL, st.none() | WORDS),
)
WORDED: dict[str, Any] = {name: f"the {name}" for name in NAMED}
EXAMPLE = Settings(workspaces={"default": Workspace(secret_id="moengage/default")}, **WORDED)
REQUIRED = [name.upper() for name in (*NAMED, "workspaces")]


@given(SETTINGS)
def test_environment_round_trip(settings: Settings) -> None:
    """Whatever the infrastructure writes into the environment is what the functions read."""
    assert Settings.from_environment(settings.to_environment()) == settings


def test_only_what_differs_is_written_of_a_workspace() -> None:
    """A workspace takes little of Lambda's 4 KB: what is as the defaults have it is not written."""
    asia = Workspace("s", fields=("name",), quota=Quota(limit=600), keep_profiles=False)
    written = replace(EXAMPLE, workspaces={"default": Workspace("d"), "asia": asia}).to_environment()["WORKSPACES"]
    assert json.loads(written) == {
        "default": {"secret_id": "d"},
        "asia": {"secret_id": "s", "fields": ["name"], "quota": {"limit": 600}, "keep_profiles": False},
    }
    assert written.startswith('{"default":{"secret_id":"d"},')


def test_environment_names() -> None:
    """Every variable is a setting in capitals, and those that have their default are not set: Lambda takes 4 KB."""
    assert set(EXAMPLE.to_environment()) == set(REQUIRED)
    assert set(replace(EXAMPLE, roster_megabytes=1).to_environment()) == {*REQUIRED, "ROSTER_MEGABYTES"}


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_variable(name: str) -> None:
    """A variable that is not set is named."""
    environment = EXAMPLE.to_environment()
    del environment[name]
    with pytest.raises(Misconfigured) as caught:
        Settings.from_environment(environment)
    assert (caught.value.setting, caught.value.rule) == (name, "is not set")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKSPACES", "not JSON"),
        ("WORKSPACES", "[]"),
        ("WORKSPACES", '{"default": []}'),
        ("WORKSPACES", '{"default": {}}'),
        ("WORKSPACES", '{"default": {"secret_id": "s", "quota": {"unheard_of": 1}}}'),
        ("PROFILE_RETENTION_DAYS", "a month"),
        ("NOT_FOUND_RETENTION_DAYS", "1.5"),
    ],
)
def test_senseless_variable(name: str, value: str) -> None:
    """A variable that makes no sense is named."""
    with pytest.raises(Misconfigured) as caught:
        Settings.from_environment({**EXAMPLE.to_environment(), name: value})
    assert caught.value.setting == name


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"WORKSPACES": "{}"}, "workspaces"),
        ({"WORKSPACES": '{"default": {"secret_id": ""}}'}, "workspace.secret_id"),
        ({"WORKSPACES": '{"default": {"secret_id": "s", "moengage_id_name": "uid"}}'}, "workspace.moengage_id_name"),
        ({"WORKSPACES": '{"default": {"secret_id": "s", "keep_profiles": "no"}}'}, "workspace.keep_profiles"),
        ({"WORKSPACES": '{"default": {"secret_id": "s", "quota": {"limit": 0}}}'}, "quota.limit"),
        ({"WORKSPACES": '{"default": {"secret_id": "s", "quota": {"limit": "many"}}}'}, "quota.limit"),
        ({"PROFILE_RETENTION_DAYS": "0"}, "profile_retention_days"),
        ({"NOT_FOUND_RETENTION_DAYS": "0"}, "not_found_retention_days"),
    ],
)
def test_broken_rule(change: dict[str, str], setting: str) -> None:
    """A value that breaks a rule is refused when the settings are read, by the setting's own name."""
    with pytest.raises(Misconfigured) as caught:
        Settings.from_environment(EXAMPLE.to_environment() | change)
    assert caught.value.setting == setting


def test_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the settings come from the process's own environment."""
    for name, value in EXAMPLE.to_environment().items():
        monkeypatch.setenv(name, value)
    for name in OPTIONAL:
        monkeypatch.delenv(name.upper(), raising=False)
    assert Settings.from_environment() == EXAMPLE


def test_workspaces_are_known_by_name() -> None:
    """A workspace that the settings do not define is an error that names it."""
    assert EXAMPLE.workspace("default").secret_id == "moengage/default"
    with pytest.raises(UnknownWorkspace, match="workspace: is not configured"):
        EXAMPLE.workspace("brand-b")
