"""Names in paths, whatever they hold: the route is found, and the name is refused by its rule."""

from __future__ import annotations

import pytest

from lookup.api.app import escaped_path
from tests.handlers.calling import Calling
from tests.lookup.stage import Stage


@pytest.mark.parametrize("name", ["Nightly", "\x9bI", "a b", "é", "-x", "x" * 31, "a%2Fb"])
def test_a_schedule_s_name_is_refused_by_rule(deployed: Stage, call: Calling, name: str) -> None:
    """What is no name of a schedule is a 422 that says so, to read, write or delete: never a defect, never no route."""
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"roster_id": "r", "expression": "rate(1 hour)"})):
        status, problem, _ = call(method, f"/v1/schedules/{name}", body)
        assert (status, problem["errors"][0]["field"]) == (422, "path.name")


def test_every_step_of_a_path_is_escaped_once() -> None:
    """Steps that the route has keep their number, whatever they hold; the last has all that follows."""
    key = "GET /v1/lookups/{lookup_id}/results"
    event = {"routeKey": key, "rawPath": "/v1/lookups/\x9b %25/results", "requestContext": {}}
    assert escaped_path(event)["rawPath"] == "/v1/lookups/%C2%9B%20%25/results"


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded", "text/plain"])
def test_an_empty_body_is_missing_whatever_it_is_called(deployed: Stage, call: Calling, kind: str) -> None:
    """A missing body is a 422 that names it, whatever its content type."""
    status, problem, _ = call("POST", "/v1/lookups", content_type=kind)
    assert (status, problem["errors"][0]["field"]) == (422, "body")
