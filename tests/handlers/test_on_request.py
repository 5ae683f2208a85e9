"""The HTTP handler: real HTTP API events in, responses and problems out."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import on_request
from infra.local.simulator.process import Fault, Simulator
from lookup import exact_json
from lookup.api.app import escaped_path
from lookup.api.openapi.models.quota import Grants
from lookup.ledger.table import LedgerTable
from lookup.ledger.usage.quota_history import QuotaHistories
from lookup.model import Clock, epoch
from lookup.results.answers import Answer
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]


def posted(event: Load, body: object) -> dict[str, Any]:
    request = event("on_request/post_lookups.json")
    return request | {"body": body if isinstance(body, str) else json.dumps(body)}


def problem(answer: dict[str, Any]) -> tuple[int, str, str]:
    body = json.loads(answer["body"])
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert body["status"] == answer["statusCode"]
    return body["status"], body["type"].rpartition(":")[2], body["detail"]


def test_a_profile_is_answered_with_age_and_tag(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """A profile comes whole, numbers digit for digit; requested again within `max_age` it comes from the store."""
    simulator.set_user("C-1001", {"customer_id": "C-1001", "score": Decimal("0.10000000000000000001"), "Straße": None})
    first = on_request.handler(event("on_request/get_profile.json"), context)
    assert (first["statusCode"], first["headers"]["Age"]) == (200, "0")
    body = exact_json.loads(first["body"])
    assert isinstance(body, dict)
    attributes = body["user_attributes"]
    assert isinstance(attributes, dict)
    assert (attributes["score"], attributes["Straße"]) == (Decimal("0.10000000000000000001"), None)
    second = on_request.handler(event("on_request/get_profile.json"), context)
    assert json.loads(second["body"])["source"] == "stored"
    assert simulator.counters().calls == 1


def test_an_identifier_of_any_letters_survives(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """In a query slashes, percent signs, question marks, spaces and umlauts reach MoEngage as the caller meant them."""
    answer = on_request.handler(event("on_request/get_profile_special.json"), context)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["identifier"] == "a/b %+#?ä ö"


@given(identifier=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=2, max_size=80))
def test_the_path_gives_the_identifier_back(identifier: str) -> None:
    """For any identifier, the path of the HTTP API's event is made into one safe segment that decodes to it."""
    raw = "/v1/profiles/customer_id/" + identifier.replace("%", "%25")
    key = "GET /v1/profiles/{identifier_type}/{identifier+}"
    routed = escaped_path({"routeKey": key, "rawPath": raw, "requestContext": {"stage": "$default"}})["rawPath"]
    assert routed.count("/") == 4
    assert unquote(routed.rpartition("/")[2]) == identifier


def test_the_callers_address_goes_on_to_moengage(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """What MoEngage sees in X-Forwarded-For is the address that API Gateway saw, whatever header the caller sends."""
    received = event("on_request/get_profile.json")
    received["requestContext"]["http"]["sourceIp"] = "198.51.100.7"
    received["headers"] |= {
        "x-forwarded-for": "203.0.113.195, 10.0.0.1",
        "forwarded": "for=10.0.0.1",
        "x-real-ip": "10.0.0.1",
    }
    on_request.handler(received, context)
    assert simulator.arrivals()[0].forwarded_for == "198.51.100.7"


def test_a_lookup_answers_each_identifier(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """Outcomes come in the order of the request, junk as invalid with its reason, and the counts add up."""
    answer = on_request.handler(event("on_request/post_lookups.json"), context)
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert body["counts"] == {"requested": 3, "found": 2, "not_found": 0, "invalid": 1, "failed": 0}
    assert [(one["identifier"], one["outcome"]) for one in body["outcomes"]] == [
        ("C-1001", "found"),
        ("62e7a1b2c3d4e5f601234567", "found"),
        ("unknown", "invalid"),
    ]
    assert body["outcomes"][2]["reason"] == "identifier is a value that MoEngage blocks as a customer_id"
    assert all(set(one["user_attributes"] or ()) <= {"customer_id", "u_fn"} for one in body["outcomes"])
    (message,) = deployed.messages(deployed.settings.answers_queue_url or "")
    archived = gzip.decompress(Answer.of_message(message["Body"]).records).splitlines()
    assert [json.loads(line)["identifier"] for line in archived] == [one["identifier"] for one in body["outcomes"]]
    assert deployed.keys("parts/") == []


def test_no_such_user_is_a_problem(deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext) -> None:
    """A user that MoEngage does not know is a 404 problem."""
    simulator.set_user("C-1001", None)
    assert problem(on_request.handler(event("on_request/get_profile.json"), context))[:2] == (404, "no-such-user")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", (400, "malformed", "the body is not readable as JSON")),
        ({}, (422, "invalid", "exactly one of identifiers and roster_id is required")),
        ({"identifiers": []}, (422, "invalid", "at least 1 item")),
        ({"identifiers": ["C-1"] * 10_001}, (422, "invalid", "at most 10000 items")),
        ({"identifiers": ["C-1"], "roster_id": "r1"}, (422, "invalid", "exactly one of")),
        ({"roster_id": "../r1"}, (422, "invalid", "roster_id: is not an id")),
        ({"roster_id": "r1"}, (422, "invalid", "roster: is unknown, or not uploaded yet")),
        ({"identifiers": ["C-1"], "max_age": "old"}, (422, "invalid", "body.max_age")),
        ({"identifiers": ["C-1"], "max_age": -1}, (422, "invalid", "body.max_age")),
        ({"identifiers": ["C-1"], "fields": []}, (422, "invalid", "body.fields")),
        ({"identifiers": ["C-1"], "field": ["u_fn"]}, (422, "invalid", "body.field")),
        ({"identifiers": ["C-1"], "workspace": "elsewhere"}, (403, "forbidden", "'elsewhere' is not granted")),
        ([], (422, "invalid", "body")),
    ],
)
def test_a_malformed_order_names_field_and_rule(
    deployed: Stage,
    simulator: Simulator,
    event: Load,
    context: LambdaContext,
    body: object,
    expected: tuple[int, str, str],
) -> None:
    """Bad input is a problem that names the field and the rule, and MoEngage is not called."""
    status, kind, detail = problem(on_request.handler(posted(event, body), context))
    assert (status, kind) == expected[:2]
    assert expected[2] in detail
    assert simulator.counters().calls == 0


def test_junk_in_the_path_is_a_problem(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A blocked identifier or an unknown type in the path is refused by rule."""
    request = event("on_request/get_profile.json")
    for path, rule in (("customer_id/unknown", "MoEngage blocks"), ("email/a@b.c", "identifier_type must be")):
        answer = on_request.handler(request | {"rawPath": f"/v1/profiles/{path}"}, context)
        status, kind, detail = problem(answer)
        assert (status, kind) == (422, "invalid")
        assert rule in detail


def test_vendor_errors_fail_one_profile(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """When MoEngage does not answer any retry, one profile is a 503 with Retry-After."""
    simulator.set_faults(Fault(status=503))
    answer = on_request.handler(event("on_request/get_profile.json"), context)
    assert problem(answer)[:2] == (503, "vendor-trouble")
    assert answer["headers"]["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=503, headers={"Retry-After": "300"}), "unanswerable"),
        (Fault(status=403, body="html"), "refused_by_vendor"),
        (Fault(distortions=("cut_profile",)), "unreadable"),
        (Fault(status=413), "too_large"),
        (Fault(status=415), "rejected"),
    ],
)
def test_one_that_cannot_be_answered(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, fault: Fault, reason: str
) -> None:
    """Where a retry does not help, one profile is a 422 with a reason and no Retry-After, and others are read."""
    simulator.set_faults(replace(fault, identifiers=("C-9002",)))
    received = event("on_request/get_profile.json")
    answer = on_request.handler(received | {"rawPath": "/v1/profiles/customer_id/C-9002"}, context)
    assert problem(answer)[:2] == (422, "not-answerable")
    assert json.loads(answer["body"])["reason"] == reason
    assert "Retry-After" not in answer["headers"]
    assert on_request.handler(received | {"rawPath": "/v1/profiles/customer_id/C-9003"}, context)["statusCode"] == 200


def test_one_that_is_unaccounted_may_be_requested_again(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """One that MoEngage said nothing of, in two calls, is a 503: it may be an accident."""
    simulator.set_faults(Fault(distortions=("unaccounted",)))
    answer = on_request.handler(event("on_request/get_profile.json"), context)
    assert problem(answer)[:2] == (503, "failed")
    assert answer["headers"]["Retry-After"] == "5"


def test_vendor_errors_fail_each_identifier(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """When MoEngage does not answer, every identifier of a list fails."""
    simulator.set_faults(Fault(status=503))
    several = json.loads(on_request.handler(event("on_request/post_lookups.json"), context)["body"])
    assert several["counts"] == {"requested": 3, "found": 0, "not_found": 0, "invalid": 1, "failed": 2}


def test_unknown_routes_are_problems(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A path without a route is a 404 problem."""
    request = event("on_request/get_profile.json") | {"routeKey": "$default", "rawPath": "/v2/else"}
    assert problem(on_request.handler(request, context))[:2] == (404, "no-such-route")


def test_the_quota_is_shown_per_lane(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """`GET /v1/quota` returns the users of the last minute per lane, the limit and the gate's state."""
    on_request.handler(event("on_request/post_lookups.json"), context)
    answer = on_request.handler(event("on_request/get_quota.json"), context)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["limit"], body["window_seconds"]) == (200, 1000, 60)
    assert body["used"] == {"on_demand": 2, "bulk": 0, "total": 2}
    assert body["backlog"] == {"users": 0, "minutes": 0.0, "done_at": None}
    assert (body["gate"]["state"], body["gate"]["reason"]) == ("open", None)
    (step,) = body["window"]
    assert (step["on_demand"], step["bulk"]) == (2, 0)
    assert epoch(step["from"]) < epoch(body["at"]) <= epoch(step["until"]) + 60
    assert body["lookups"] == {"running": 0, "unfinished": 0}
    assert "minutes" not in body
    assert "dead_letters" not in body


def test_a_quota_that_has_not_changed_is_not_sent_again(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A page that polls with `If-None-Match` is answered 304 while nothing but the clock moves."""
    request = event("on_request/get_quota.json")
    tag = on_request.handler(request, context)["headers"]["ETag"]
    request["headers"]["if-none-match"] = tag
    again = on_request.handler(request, context)
    assert (again["statusCode"], again["body"], again["headers"]["ETag"]) == (304, "", tag)
    on_request.handler(event("on_request/post_lookups.json"), context)
    assert on_request.handler(request, context)["statusCode"] == 200


def test_the_last_hour_and_day_are_what_ticks_have_sampled(
    deployed: Stage, event: Load, context: LambdaContext
) -> None:
    """With `minutes=60` the quota tells what was granted between the samples that the minute's tick has taken."""
    request = event("on_request/get_quota.json") | {"rawQueryString": "minutes=60"}
    first = json.loads(on_request.handler(request, context)["body"])
    assert (first["minutes"], first["last_day"]) == ([], None)
    now = time.time()
    sampled = QuotaHistories(_ledger(deployed, lambda: now - 61), lambda: now - 61)
    sampled.record("default", 100, 10)
    QuotaHistories(_ledger(deployed, lambda: now), lambda: now).record("default", 140, 15)
    body = json.loads(on_request.handler(request, context)["body"])
    (step,) = body["minutes"]
    assert (step["on_demand"], step["bulk"], round(epoch(step["until"]) - epoch(step["from"]))) == (5, 35, 61)
    assert body["last_day"] == step | {"users": 40}


def _ledger(deployed: Stage, clock: Clock) -> LedgerTable:
    return LedgerTable(deployed.dynamodb, deployed.settings.ledger_table_name, clock=clock, sleep=time.sleep)


def test_a_caller_reads_what_it_may_do(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """`GET /v1/grants` returns the partner, its workspaces and lanes, the token's scopes and the limits."""
    key = {"routeKey": "GET /v1/grants", "rawPath": "/v1/grants"}
    request = event("on_request/get_quota.json") | key
    answer = on_request.handler(request, context)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["partner"], body["is_operator"]) == (200, "acme", False)
    assert body["lanes"] == ["on_demand", "bulk"]
    assert [one["name"] for one in body["workspaces"]] == ["default"]
    assert body["limits"]["roster_bytes"] == deployed.settings.roster_megabytes * 1024 * 1024
    Grants.model_validate(body)
    request["headers"]["if-none-match"] = answer["headers"]["ETag"]
    assert on_request.handler(request, context)["statusCode"] == 304


def test_a_closed_gate_is_reported_and_nothing_is_requested(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """After MoEngage refused us the gate is closed for every caller: 503 with Retry-After, no further call."""
    simulator.set_faults(Fault(status=403))
    first = on_request.handler(event("on_request/get_profile.json"), context)
    second = on_request.handler(event("on_request/get_profile.json"), context)
    assert [problem(answer)[:2] for answer in (first, second)] == [(503, "closed")] * 2
    assert int(second["headers"]["Retry-After"]) > 60
    assert simulator.counters().calls == 1
    quota = json.loads(on_request.handler(event("on_request/get_quota.json"), context)["body"])
    assert (quota["gate"]["state"], quota["gate"]["reason"]) == ("closed", "refused")
    assert quota["gate"]["explanation"].startswith("MoEngage refuses")
    assert 0 <= epoch(quota["at"]) - epoch(quota["gate"]["since"]) < 3600
