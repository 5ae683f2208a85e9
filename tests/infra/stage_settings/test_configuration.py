"""The documented settings are the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

import pytest

from infra.app import ROOT
from infra.stage_settings.partners import Issuer, Partner, SignIn, Webhook
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import Schedule, Workspace
from lookup.quota import Quota
from lookup.settings import Settings

CLASSES: tuple[type[Any], ...] = (Stage, Workspace, Quota, Partner, SignIn, Webhook, Issuer, Schedule)
NOTHING = {"none", "no", "all"}


def _documented() -> Mapping[str, str]:
    text = (ROOT / "docs" / "configuration.md").read_text()
    return dict(re.findall(r"^\| `(\w+\.\w+)` \|(.*?)\|", text, re.MULTILINE))


def _fields() -> Iterator[tuple[str, Field[Any]]]:
    for cls in CLASSES:
        for setting in fields(cls):
            yield f"{cls.__name__}.{setting.name}", setting


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    """The table lists the fields of the stage values in their order."""
    assert list(_documented()) == [name for name, _ in _fields()]


@pytest.mark.parametrize(
    ("name", "setting"), list(_fields()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_table_tells_the_default(name: str, setting: Field[Any]) -> None:
    """A field without a default has an empty cell; else the cell holds the default."""
    written = _documented()[name].strip(" `")
    if setting.default is MISSING and setting.default_factory is MISSING:
        assert written == ""
    elif setting.default_factory is not MISSING:
        made = setting.default_factory()
        assert written == (f"{type(made).__name__}()" if made else "none")
    elif setting.default is None or setting.default is False or setting.default == ():
        assert written in NOTHING
    elif setting.default is True:
        assert written == "yes"
    elif isinstance(setting.default, tuple):
        assert written.split("`, `") == list(setting.default)
    elif isinstance(setting.default, int | float):
        assert float(written) == setting.default
    else:
        assert written == setting.default


def test_every_environment_variable_is_in_its_table_and_nothing_else() -> None:
    """The table of variables names each field of the functions' settings once, in capitals."""
    text = (ROOT / "docs" / "configuration.md").read_text().partition("## Environment variables")[2]
    names = [name for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(names) == sorted(setting.name.upper() for setting in fields(Settings))
