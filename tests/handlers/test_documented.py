"""What the API says of itself: every route, every schema, every problem, once and in step with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import on_request
from lookup.api.openapi.models.components import components
from lookup.api.openapi.operations import SCHEMAS, Operation
from lookup.api.openapi.problem_types import Problem
from lookup.api.route_table import ROUTES
from tests.handlers.calling import DOCUMENTED, SHAPES
from tests.lookup.stage import Stage

PARTNERS = Path(__file__).parents[2] / "docs" / "partners.md"
REFERENCE = Path(__file__).parents[2] / "docs" / "api.md"
OPERATIONS = list(DOCUMENTED.values())
OF_EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=[one["operation_id"] for one in OPERATIONS])


@OF_EACH
def test_examples_fit_their_schemas(operation: Operation) -> None:
    """Every schema that a route names exists, and its examples fit it."""
    schemas = components()
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            described: Any = content
            name = described["schema"]["$ref"].removeprefix(SCHEMAS)
            assert name in schemas
            assert described["examples"]
            for example in described["examples"].values():
                SHAPES[name].model_validate(example["value"])


def test_the_schemas_name_each_other() -> None:
    """Every reference within the schemas leads to one of them."""

    def named(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"].removeprefix(SCHEMAS)} if "$ref" in value else set()
            return own.union(*map(named, value.values()))
        return set().union(*map(named, value)) if isinstance(value, list) else set()

    schemas = components()
    assert named(schemas) <= set(schemas)


def test_problem_types_are_distinct() -> None:
    """No two problems share a type, each has a meaning, and each is documented for some route."""
    types = [problem.value for problem in Problem]
    assert len({one.uri for one in types}) == len(types)
    assert all(one.title and one.meaning.endswith(".") for one in types)
    documented = {
        name
        for operation in OPERATIONS
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for name in content["examples"]
    }
    assert {one.name for one in types} - documented == {"no-such-route"}


def test_partners_find_every_problem() -> None:
    """The partners' page has a row for every problem, with its status, and for nothing else."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PARTNERS.read_text(), re.MULTILINE)
    assert rows == [(one.value.name, str(one.value.status.value)) for one in Problem]


def test_the_reference_names_every_problem() -> None:
    """Its table has every problem once, in a row with its status, and nothing else."""
    rows = re.findall(r"^\| (\d{3}(?:, \d{3})*) \| (`[^|]*) \|", REFERENCE.read_text(), re.MULTILINE)
    rows_by_name = [(name, status) for status, names in rows for name in re.findall(r"`([a-z-]+)`", names)]
    assert sorted(name for name, _ in rows_by_name) == sorted(one.value.name for one in Problem)
    known = {one.value.name: str(one.value.status.value) for one in Problem}
    assert all(known[name] in status for name, status in rows_by_name)


def test_every_route_is_described(deployed: Stage) -> None:
    """The routes of the template, those of the handler, and those that are documented are the same."""
    schema = on_request.services().whole.app.get_openapi_schema(title="API", version="1").model_dump(by_alias=True)
    served = {
        (method.upper(), path) for path, methods in schema["paths"].items() for method in methods if methods[method]
    }
    routed = {(route.method, route.path.replace("+}", "}")) for route in ROUTES}
    assert {route.key for route in ROUTES} == set(DOCUMENTED)
    assert {(m, p) for m, p in served if m in {"GET", "PUT", "POST", "PATCH", "DELETE"}} == routed
