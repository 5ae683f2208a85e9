"""How fresh an answer is: chosen by the caller, shown in every response, and what is returned without MoEngage."""

from __future__ import annotations

import json
import time

import pytest

from infra.local.simulator.process import Fault, Simulator
from lookup.model import timestamp
from lookup.telemetry import logger
from tests.handlers.calling import Call, kind_of
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

PROFILE = "/v1/profiles/customer_id/C-1"
ZOE = {"customer_id": "C-1", "id": "62e7c1f0a1b2c3d4e5f60718", "city": "Bern", "name": "Zoë"}
CLOSING, FAILING = Fault(status=403), Fault(status=503, delay=1.0)


def test_the_same_content_has_the_same_tag(simulator: Simulator, call: Call) -> None:
    """The tag follows the content alone: not the fetch, the source or the order of the attributes."""
    simulator.set_user("C-1", {"customer_id": "C-1", "a": 1, "b": [1.5]})
    fetched = call("GET", PROFILE)[2]
    stored = call("GET", f"{PROFILE}?max_age=60")[2]
    simulator.set_user("C-1", {"b": [1.5], "a": 1, "customer_id": "C-1"})
    again = call("GET", PROFILE)[2]
    simulator.set_user("C-1", {"customer_id": "C-1", "a": 2, "b": [1.5]})
    changed = call("GET", PROFILE)[2]
    assert fetched["ETag"] == stored["ETag"] == again["ETag"] != changed["ETag"]
    assert fetched["ETag"].startswith('W/"')


@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "{strong}", "*"])
def test_unchanged_content_is_a_304(simulator: Simulator, call: Call, form: str) -> None:
    """A caller that has the content gets 304 with age and tag, and no body; tags are compared weakly."""
    tag = call("GET", PROFILE)[2]["ETag"]
    had = form.format(tag=tag, strong=tag.removeprefix("W/"))
    status, body, headers = call("GET", f"{PROFILE}?max_age=60", if_none_match=had)
    assert (status, body, headers["ETag"], int(headers["Age"]) >= 0) == (304, {}, tag, True)


def test_another_tag_is_answered_whole(simulator: Simulator, call: Call) -> None:
    """A caller with another content gets the profile."""
    assert call("GET", PROFILE, if_none_match='"0", W/"1"')[0] == 200


def test_a_cache_keeps_profiles_of_one_token_apart_from_those_of_another(simulator: Simulator, call: Call) -> None:
    """Whatever a cache may keep of a request varies with the token: another may see other fields, or nothing."""
    simulator.set_user("C-9", None)
    tag = call("GET", PROFILE)[2]["ETag"]
    answers = (
        call("GET", PROFILE),
        call("GET", PROFILE, if_none_match=tag),
        call("GET", "/v1/profiles/customer_id/C-9"),
    )
    assert [status for status, _, _ in answers] == [200, 304, 404]
    for _, _, headers in answers:
        assert (headers["Cache-Control"], headers["Vary"]) == ("private, max-age=0", "Authorization")


def test_the_callers_cache_may_keep_it_as_long(simulator: Simulator, call: Call) -> None:
    """`max_age` and `stale_if_error` go into Cache-Control, which is private."""
    headers = call("GET", f"{PROFILE}?max_age=60&stale_if_error=600")[2]
    assert headers["Cache-Control"] == "private, max-age=60, stale-if-error=600"
    assert call("GET", PROFILE)[2]["Cache-Control"] == "private, max-age=0"


@pytest.mark.parametrize("fault", [CLOSING, FAILING], ids=["closed", "failing"])
def test_an_older_profile_answers_while_moengage_does_not(
    simulator: Simulator, call: Call, context: LambdaContext, fault: Fault
) -> None:
    """With `stale_if_error` an older profile answers 200, marked stale; without it the answer is 503."""
    call("GET", PROFILE)
    simulator.set_faults(fault)
    context.remaining_seconds = 6.5  # a second and a half: for a grant on a busy machine, not for a second call
    status, body, headers = call("GET", f"{PROFILE}?stale_if_error=600")
    assert (status, body["source"], body["user_attributes"]["customer_id"]) == (200, "stale", "C-1")
    assert int(headers["Age"]) >= 0
    assert call("GET", PROFILE)[0] == 503
    assert kind_of(call("GET", "/v1/profiles/customer_id/C-2?stale_if_error=600"))[0] == 503


def test_a_profile_without_the_fields_does_not_answer(simulator: Simulator, call: Call) -> None:
    """A stored profile answers only when it holds the requested fields."""
    call("GET", f"{PROFILE}?fields=a")
    simulator.set_faults(CLOSING)
    assert kind_of(call("GET", f"{PROFILE}?fields=a,b&stale_if_error=600")) == (503, "closed")
    assert call("GET", f"{PROFILE}?fields=a&stale_if_error=600")[1]["source"] == "stale"


def test_a_narrow_fetch_leaves_a_wide_answer(simulator: Simulator, call: Call) -> None:
    """After another caller's fetch of one field, all of them still answer within `max_age`, without a call."""
    simulator.set_user("C-1", ZOE)
    tag = call("GET", PROFILE)[2]["ETag"]
    simulator.set_user("C-1", ZOE | {"city": "Basel", "name": "Zora"})
    call("GET", f"{PROFILE}?fields=city")
    calls = simulator.counters().calls
    status, body, headers = call("GET", f"{PROFILE}?max_age=600")
    assert (status, body["source"]) == (200, "stored")
    assert body["user_attributes"] == ZOE | {"city": "Basel"}
    assert headers["ETag"] != tag
    _, narrow, _ = call("GET", f"{PROFILE}?fields=city&max_age=600")
    assert (narrow["user_attributes"], narrow["changed_fields"]) == ({"city": "Basel"}, [])
    assert narrow["fetched_at"] > body["fetched_at"]
    assert simulator.counters().calls == calls


def test_a_narrow_fetch_leaves_what_answers_during_errors(simulator: Simulator, call: Call) -> None:
    """After another caller's fetch of one field, `stale_if_error` still finds the others, and a mix of both."""
    simulator.set_user("C-1", ZOE)
    call("GET", PROFILE)
    call("GET", f"{PROFILE}?fields=city")
    simulator.set_faults(CLOSING)
    for question, attributes in {
        "stale_if_error=600": ZOE,
        "fields=name,city&stale_if_error=600": {"city": "Bern", "name": "Zoë"},
        "fields=gone&stale_if_error=600": {},
    }.items():
        status, body, _ = call("GET", f"{PROFILE}?{question}")
        assert (status, body["source"], body["user_attributes"]) == (200, "stale", attributes)


def test_the_age_is_that_of_the_oldest_field(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """`Age` and `max_age` are about the requested fields: the oldest of them."""
    call("GET", PROFILE)
    key = {"identifier": {"S": "C-1"}, "scope": {"S": "default#customer_id"}}
    table, hour_ago = deployed.settings.profiles_table_name, timestamp(time.time() - 3600)
    deployed.dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET fetched_at = :at",
        ExpressionAttributeValues={":at": {"S": hour_ago}},
    )
    call("GET", f"{PROFILE}?fields=a")
    assert int(call("GET", f"{PROFILE}?max_age=7200")[2]["Age"]) >= 3600
    assert int(call("GET", f"{PROFILE}?fields=a&max_age=7200")[2]["Age"]) < 3600
    calls = simulator.counters().calls
    assert call("GET", f"{PROFILE}?fields=a&max_age=600")[1]["source"] == "stored"
    assert call("GET", f"{PROFILE}?fields=a,b&max_age=600")[1]["source"] == "moengage"
    assert simulator.counters().calls == calls + 1


def test_no_such_user_answers_whoever_asks(simulator: Simulator, call: Call) -> None:
    """That MoEngage knows no such user was learnt by a fetch of one field, and answers a request for all."""
    simulator.set_user("C-1", None)
    assert call("GET", f"{PROFILE}?fields=a")[0] == 404
    calls = simulator.counters().calls
    assert call("GET", f"{PROFILE}?max_age=600")[0] == 404
    assert simulator.counters().calls == calls


def test_stale_profiles_of_a_list(simulator: Simulator, call: Call) -> None:
    """In a list every identifier must have an answer; then each has its own source."""
    call("POST", "/v1/lookups", {"identifiers": ["C-1", "C-2"]})
    simulator.set_faults(CLOSING)
    order = {"identifiers": ["C-1", "C-2", "null"], "stale_if_error": 600}
    status, body, _ = call("POST", "/v1/lookups", order)
    assert (status, [one["source"] for one in body["outcomes"]]) == (200, ["stale", "stale", None])
    assert kind_of(call("POST", "/v1/lookups", order | {"identifiers": ["C-1", "C-9"]})) == (503, "closed")


def test_a_busy_quota_and_an_older_profile(deployed: Stage, simulator: Simulator, scarce: int, call: Call) -> None:
    """When the quota has no room in the caller's time, an older profile is returned to callers that allow it."""
    call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(scarce)]})
    busy = [f"user-{number}" for number in range(40)]
    status, body, _ = call("POST", "/v1/lookups", {"identifiers": busy, "stale_if_error": 600}, prefer="wait=0")
    assert (status, {one["source"] for one in body["outcomes"]}) == (200, {"stale"})
    assert call("POST", "/v1/lookups", {"identifiers": busy}, prefer="wait=0")[0] == 202


def test_a_vendor_error_has_the_vendors_request_id(
    simulator: Simulator, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    """MoEngage's own mark of a failed call is in the problem and in the log line, beside ours."""
    simulator.set_faults(Fault(status=503))
    status, body, headers = call("GET", PROFILE)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert body["vendor_request_id"]
    lines = [json.loads(logger.registered_formatter.format(record)) for record in caplog.records]
    failures = [line for line in lines if line["message"] == "call failed"]
    assert failures[-1]["vendor_request_id"] == body["vendor_request_id"]
    assert failures[-1]["request_id"] == headers["X-Request-Id"]
    assert "C-1" not in json.dumps(lines)
