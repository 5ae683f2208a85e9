"""Bad input: each its own problem, before any call of MoEngage."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from infra.local.simulator.process import Simulator
from tests.handlers.calling import Call, kind_of, serve_parts_queue, uploaded
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

PROFILE = "/v1/profiles/customer_id/C-1"
ONE = {"identifiers": ["C-1"]}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{PROFILE}?maxage=60", "maxage"),
        (f"{PROFILE}?max_age=60&Fields=a", "Fields"),
        ("/v1/lookups?page=2", "page"),
        ("/v1/quota?lane=bulk", "lane"),
        ("/v1/schedules?name=a", "name"),
    ],
)
def test_an_unknown_query_parameter(simulator: Simulator, call: Call, path: str, name: str) -> None:
    """A name that the route does not know is named, and nothing is called."""
    answer = call("GET", path)
    assert kind_of(answer) == (422, "unknown-parameter")
    assert answer[1]["errors"][0]["field"] == name
    assert simulator.counters().calls == 0


@pytest.mark.parametrize("query", ["max_age=old", "max_age=-1", "stale_if_error=1.5", "fields=", "workspace="])
def test_a_query_of_the_wrong_type(simulator: Simulator, call: Call, query: str) -> None:
    """A parameter that breaks its rule is a 422 that names it."""
    answer = call("GET", f"{PROFILE}?{query}")
    assert kind_of(answer) == (422, "invalid")
    assert query.partition("=")[0] in answer[1]["errors"][0]["field"]
    assert simulator.counters().calls == 0


@pytest.mark.parametrize(
    "text", ["{", "", " ", '{"identifiers": ["C-1"]', "[" * 100_000, '"\ud800'], ids=lambda text: repr(text)[:12]
)
def test_a_body_that_is_no_json(simulator: Simulator, call: Call, text: str) -> None:
    """A body that cannot be read is a 400; a missing one a 422."""
    expected = (400, "malformed") if text else (422, "invalid")
    assert kind_of(call("POST", "/v1/lookups", raw=text)) == expected


@pytest.mark.parametrize(
    ("method", "path", "text", "key"),
    [
        ("POST", "/v1/lookups", '{"identifiers":["C-9001"],"identifiers":["C-9002"]}', "identifiers"),
        ("POST", "/v1/lookups", '{"identifiers":[{"identifier":"C-1","identifier":"C-2"}]}', "identifier"),
        ("PATCH", "/v1/lookups/lookup-1", '{"action":"pause","action":"cancel"}', "action"),
        ("PUT", "/v1/schedules/nightly", '{"roster_id":"a","roster_id":"b","expression":"rate(1 day)"}', "roster_id"),
    ],
)
def test_a_key_twice_in_a_body(simulator: Simulator, call: Call, method: str, path: str, text: str, key: str) -> None:
    """A body that has a key twice is a 422 that names it: which of them is meant is undecidable."""
    answer = call(method, path, raw=text)
    assert kind_of(answer) == (422, "invalid")
    assert answer[1]["errors"] == [{"field": key, "rule": "occurs twice in one object"}]
    assert simulator.counters().calls == 0


def test_a_body_with_a_byte_order_mark(simulator: Simulator, call: Call) -> None:
    """A mark before the JSON does not matter."""
    assert call("POST", "/v1/lookups", raw='\ufeff{"identifiers":["C-1"]}')[0] == 200


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"Kundennummer;Name\r\n9001;Ann\r\n", "line 1 shows cells between semicolons"),
        (b"customer_id,customer_id\nC-1,C-2\n", "more than one column"),
        (b"%PDF-1.7\n", "a PDF document"),
        ("customer_id\nC-1\n".encode("utf-16-le"), "without a byte order mark"),
    ],
)
def test_a_roster_that_is_not_understood(simulator: Simulator, call: Call, body: bytes, rule: str) -> None:
    """It is a 422 of the field `roster` with place and rule, whether it is to be estimated or looked up."""
    order = {"roster_id": uploaded(call, body)}
    for path in ("/v1/lookups?dry_run=true", "/v1/lookups"):
        answer = call("POST", path, order)
        assert kind_of(answer) == (422, "invalid")
        assert answer[1]["errors"][0]["field"] == "roster"
        assert rule in answer[1]["errors"][0]["rule"]
    assert simulator.counters().calls == 0


def test_the_header_of_a_refused_roster_is_shown(simulator: Simulator, call: Call) -> None:
    """Whoever uploaded it reads in the answer what the line holds and what was expected."""
    order = {"roster_id": uploaded(call, b"Kundennummer;Name\r\n9001;Ann\r\n")}
    rule = call("POST", "/v1/lookups", order)[1]["errors"][0]["rule"]
    assert rule.endswith("; it reads 'Kundennummer;Name'")
    assert "has no column customer_id, id, moengage_id, or identifier with identifier_type" in rule


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""])
def test_a_body_of_another_type(simulator: Simulator, call: Call, kind: str) -> None:
    """A body that is not called JSON is a 415."""
    assert kind_of(call("POST", "/v1/lookups", ONE, content_type=kind)) == (415, "content-type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_a_body_called_json(simulator: Simulator, call: Call, kind: str) -> None:
    """Case and parameters of the content type do not matter."""
    assert call("POST", "/v1/lookups", ONE, content_type=kind)[0] == 200


def test_a_body_that_is_too_large(simulator: Simulator, call: Call) -> None:
    """A body over 256 KB is a 413; one of 256 KB is read."""
    filler = len(json.dumps({"identifiers": [""]}))
    status, body, _ = call("POST", "/v1/lookups", {"identifiers": ["x" * (256 * 1024 - filler)]})
    assert (status, body["counts"]["invalid"]) == (200, 1)
    answer = call("POST", "/v1/lookups", {"identifiers": ["x" * (256 * 1024 - filler + 1)]})
    assert kind_of(answer) == (413, "body-too-large")


@pytest.mark.parametrize("body", ["x", "{", "x" * 300_000])
def test_a_body_that_a_route_does_not_take(simulator: Simulator, call: Call, body: str) -> None:
    """It is ignored, whatever its content, type or size: these routes have no problem of a body."""
    for method, path, status in (
        ("POST", "/v1/rosters/none/preview", 422),
        ("GET", "/v1/quota", 200),
        ("GET", "/v1/profiles/customer_id/C-1", 200),
        ("DELETE", "/v1/schedules/none", 404),
    ):
        assert call(method, path, raw=body, content_type="text/plain")[0] == status


def test_too_many_to_wait_for(simulator: Simulator, call: Call) -> None:
    """101 identifiers are not waited for; without `wait`, or with `respond-async`, they become a lookup."""
    order = {"identifiers": [f"user-{number}" for number in range(101)]}
    assert kind_of(call("POST", "/v1/lookups", order, prefer="wait=5")) == (422, "too-many-to-wait")
    assert call("POST", "/v1/lookups", order)[0] == 202
    headers = call("POST", "/v1/lookups", order, prefer="respond-async, wait=5")[2]
    assert headers["Preference-Applied"] == "respond-async"


@pytest.mark.parametrize("headers", [{}, {"prefer": "respond-async"}], ids=["at once", "behind the answer"])
def test_an_identifier_with_an_unknown_key(
    deployed: Stage, simulator: Simulator, call: Call, context: LambdaContext, headers: dict[str, str]
) -> None:
    """A misspelt `identifier_type` makes that identifier invalid, by name; it is not looked up as something else."""
    order = {"identifiers": [{"identifier": "62e7a1b2c3d4e5f601234567", "type": "id"}, {"customer_id": "C-1"}]}
    status, body, _ = call("POST", "/v1/lookups", order, **headers)
    if status == 202:
        serve_parts_queue(deployed, context)
        assert call("GET", body["links"]["self"])[1]["counts"]["invalid"] == 2
    else:
        assert [one["outcome"] for one in body["outcomes"]] == ["invalid"] * 2
        assert body["outcomes"][0]["identifier"] == "62e7a1b2c3d4e5f601234567"
        assert body["outcomes"][0]["reason"] == "'type' is unknown: an identifier has identifier_type and identifier"
    assert simulator.counters().calls == 0


def test_spaces_between_fields(simulator: Simulator, call: Call) -> None:
    """Spaces around the names of a list of fields are no part of them."""
    simulator.set_user("C-1", {"customer_id": "C-1", "a": 1, "b": 2, "c": 3})
    assert call("GET", f"{PROFILE}?fields=a,%20b")[1]["user_attributes"] == {"a": 1, "b": 2}


def test_a_marks_of_no_page(deployed: Stage, call: Call) -> None:
    """A page mark that no page gave is a 422."""
    assert kind_of(call("GET", "/v1/lookups?after=%25")) == (422, "invalid")
    assert kind_of(call("GET", "/v1/lookups?limit=101")) == (422, "invalid")


def test_a_method_without_a_route(deployed: Stage, call: Call) -> None:
    """What the API does not have is a 404, before the caller is authenticated."""
    assert kind_of(call("DELETE", "/v1/lookups", client="nobody")) == (404, "no-such-route")


@pytest.mark.parametrize("fields", [["ci\u0000ty"], ["x" * 200 + str(number) for number in range(400)]])
def test_fields_that_cannot_be_requested(deployed: Stage, call: Call, fields: list[str]) -> None:
    """Control characters and more than 64 KB of names are a 422 that names `fields`, on every route that takes them."""
    schedule = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)", "fields": fields}
    for answer in (
        call("POST", "/v1/lookups", {"identifiers": ["C-1"], "fields": fields}),
        call("POST", "/v1/lookups", {"identifiers": ["C-1"], "fields": fields}, prefer="respond-async"),
        call("POST", "/v1/lookups?dry_run=true", {"identifiers": ["C-1"], "fields": fields}),
        call("PUT", "/v1/schedules/nightly", schedule),
        call("GET", f"/v1/profiles/customer_id/C-1?fields={quote(','.join(fields))}"),
    ):
        assert kind_of(answer) == (422, "invalid")
        assert answer[1]["errors"][0]["field"] == "fields"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/lookups"), ("PUT", "/v1/schedules/nightly"), ("POST", "/v1/rosters")]
)
def test_a_body_that_breaks_thousands_of_rules(call: Call, method: str, path: str) -> None:
    """An answer names a hundred of them and how many more there are: it is no longer than what was sent."""
    text = "{" + ",".join(f'"{number:x}":1' for number in range(20_000)) + "}"
    status, body, _ = call(method, path, raw=text)
    assert (status, len(body["errors"])) == (422, 101)
    assert body["errors"][-1]["rule"].startswith("breaks 199")
    assert len(json.dumps(body)) < len(text)
