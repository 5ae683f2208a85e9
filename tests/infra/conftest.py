"""One synthesis per stage for all tests; every test of the templates runs in the process that has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.app import SOURCE, synthesise
from infra.stages import stage_named
from tests.infra.template import Template

STAGES = ("dev", "prod", "local")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    outdir: Path = tmp_path_factory.mktemp("cdk.out")
    return {
        name: Template.read(synthesise(stage_named(name, {}), code=SOURCE, outdir=outdir / name)) for name in STAGES
    }


@pytest.fixture(params=STAGES)
def template(request: pytest.FixtureRequest, templates: Mapping[str, Template]) -> Template:
    return templates[str(request.param)]


@pytest.fixture
def local(templates: Mapping[str, Template]) -> Template:
    return templates["local"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"template", "templates", "local"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("synthesis"))
