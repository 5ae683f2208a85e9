"""The OpenAPI document: complete, true to its examples, and the committed one is the service's own."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, ValidationError

from lookup.api.openapi.document import API_VERSION
from lookup.api.openapi.examples import BODIES
from lookup.api.openapi.problem_types import Problem
from lookup.api.request_models import Change, LookupOrder, ScheduleOrder
from lookup.api.route_table import ADMIN, PROFILES_ERASE, ROUTES
from tests.openapi.__main__ import COMMITTED, unannounced
from tests.openapi.document import TOKEN_URL, generated, parsed
from tests.openapi.schemas import resolved

PYPROJECT = COMMITTED.parents[1] / "pyproject.toml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return parsed()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Return every body of every request and answer: its place, its schema, its examples."""
    for label, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield label, content["schema"], [one["value"] for one in content.get("examples", {}).values()]
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                named = [resolved(document, one) for one in content.get("examples", {}).values()]
                yield f"{label} {status}", content["schema"], [one["value"] for one in named]


def test_the_committed_document_is_the_service_s() -> None:
    """Nothing that breaks partners comes in unannounced, and docs/openapi.json is what the service answers."""
    new = generated()
    assert unannounced(COMMITTED.read_bytes(), new) == []
    assert COMMITTED.read_bytes() == new, "run `make openapi`"


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    """The document is valid by the published schema of OpenAPI 3.1, and every reference leads somewhere."""
    from schemathesis.specs.openapi.definitions import (  # noqa: PLC0415 - it takes a second to import
        OPENAPI_31_VALIDATOR,
    )

    OPENAPI_31_VALIDATOR.validate(document)
    assert document["openapi"].startswith("3.1.")
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))):
        assert resolved(document, {"$ref": reference}) is not None
    with pytest.raises(ValidationError):
        OPENAPI_31_VALIDATOR.validate(document | {"info": {}})


def test_a_break_must_be_announced(document: dict[str, Any]) -> None:
    """Without a route the document is refused under the same version, and taken under the next."""
    old, new = json.dumps(document).encode(), json.loads(json.dumps(document))
    del new["paths"]["/v1/quota"]
    assert unannounced(old, json.dumps(new).encode()) == ["GET /v1/quota: removed"]
    major, minor, _ = new["info"]["version"].split(".")
    new["info"]["version"] = f"{major}.{int(minor) + 1}.0"
    assert unannounced(old, json.dumps(new).encode()) == []


def test_the_version_is_the_project_s(document: dict[str, Any]) -> None:
    """The API's version is that of the project."""
    assert document["info"]["version"] == API_VERSION
    assert tomllib.loads(PYPROJECT.read_text())["project"]["version"] == API_VERSION


def members(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Return the text members of every example of an answer: their place, their schema, their value."""
    for place, schema, values in examples(document):
        for value in values:
            yield from _members(document, place, schema, value)


def _members(
    document: dict[str, Any], place: str, schema: dict[str, Any], value: Any
) -> Iterator[tuple[str, dict[str, Any], Any]]:
    schema = dict(resolved(document, schema))
    for choice in schema.get("anyOf", ()):
        if Draft202012Validator(choice | {"components": document["components"]}).is_valid(value):
            yield from _members(document, place, choice, value)
            return
    if isinstance(value, list):
        for one in value:
            yield from _members(document, place, schema.get("items", {}), one)
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _members(document, f"{place} {name}", schema.get("properties", {}).get(name, {}), one)
    if isinstance(value, str):
        yield place, schema, value


def test_times_and_addresses_say_so(document: dict[str, Any]) -> None:
    """Whatever an example shows as a time, a URL or a path has its format, and nothing else has one."""
    formats: dict[str, set[str | None]] = {}
    for place, schema, value in members(document):
        is_time = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value) is not None
        is_address = value.startswith(("https:", "urn:"))
        expected = "date-time" if is_time else "uri" if is_address else "uri-reference" if value[:1] == "/" else None
        allowed = {expected, "uri-reference"} if is_address else {expected}
        assert schema.get("format") in allowed, place
        formats.setdefault(expected or "", set()).add(schema.get("format"))
    assert {"date-time", "uri", "uri-reference"} <= set(formats)
    headers = document["components"]["headers"]
    assert [name for name, one in headers.items() if one["schema"].get("format") == "uri-reference"] == ["Location"]


def _named_formats(schema: Any) -> Iterator[tuple[str, str | None]]:
    """Return every member of a schema whose name is that of a time or an address, and its format."""
    for name, member in schema.get("properties", {}).items():
        choices = [one for one in member.get("anyOf", [member]) if one.get("type") == "string"]
        if choices and re.search(r"(^|_)(at|until|url|uri)$", name):
            yield name, choices[0].get("format")


def test_whatever_is_named_a_time_or_an_address_says_so(document: dict[str, Any]) -> None:
    """Of every schema each text named `…_at` or `…_until` is a date-time, each `url` a uri: without an example, too."""
    seen = {one for schema in document["components"]["schemas"].values() for one in _named_formats(schema)}
    expected = {name: "uri" if re.search(r"ur[il]$", name) else "date-time" for name, _ in seen}
    assert {("url", "uri"), ("ready_at", "date-time"), ("closed_until", "date-time")} <= seen
    assert dict(seen) == expected
    links = document["components"]["schemas"]["Links"]["properties"]
    assert {name for name, one in links.items() if one["anyOf"][0].get("format") == "uri-reference"} == {
        "self", "results",
    }  # fmt: skip


def test_every_route_is_described_with_its_scope(document: dict[str, Any]) -> None:
    """Every route of the template is there, with a summary, the scope that it wants, and nothing beside them."""
    described = dict(operations(document))
    assert set(described) == {f"{route.method} {route.path.replace('+}', '}')}" for route in ROUTES}
    for route in ROUTES:
        operation = described[f"{route.method} {route.path.replace('+}', '}')}"]
        # The page asks for the scopes that every client has.
        by_client = [] if route.scope in {ADMIN, PROFILES_ERASE} else [{"client": [route.scope]}]
        assert operation["security"] == [*by_client, {"token": [route.scope]}]
        assert operation["summary"]
        assert operation["description"]


def test_every_body_has_an_example_that_fits(document: dict[str, Any]) -> None:
    """Examples are what the schema of their request or answer takes."""
    for place, schema, values in examples(document):
        assert values, place
        for value in values:
            Draft202012Validator(schema | {"components": document["components"]}).validate(value)


def test_the_examples_of_requests_are_taken() -> None:
    """What a request shows is what the service takes, also by the rules that no schema describes."""
    for order in BODIES["submitLookup"].values():
        LookupOrder.model_validate(order)
    Change.model_validate(BODIES["steerLookup"]["pause"])
    ScheduleOrder.model_validate(BODIES["putSchedule"]["nightly"])


def test_every_problem_is_shown(document: dict[str, Any]) -> None:
    """Each problem type of the service is an example of at least one route, but that of a route that is not there."""
    shown = {value.get("type") for _, _, values in examples(document) for value in values}
    assert {problem.value.uri for problem in Problem} - shown <= {Problem.NO_SUCH_ROUTE.value.uri}


def test_an_issuer_without_token_address_leaves_the_pasted_token() -> None:
    """The token endpoint is documented when it is known; a token from elsewhere is always accepted."""
    schemes = parsed()["components"]["securitySchemes"]
    assert schemes["client"]["flows"]["clientCredentials"]["tokenUrl"] == TOKEN_URL
    unknown = parsed(None)
    assert list(unknown["components"]["securitySchemes"]) == ["token"]
    assert {len(operation["security"]) for _, operation in operations(unknown)} == {1}
