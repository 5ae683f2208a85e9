"""Authorization: scopes, lanes, fields, workspaces, and what an operator sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import on_queue
from infra.local.simulator.process import Simulator
from tests.handlers.calling import Call, kind_of, uploaded
from tests.handlers.conftest import Grant, forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

PROFILE = "/v1/profiles/customer_id/C-1"


def test_a_client_without_grants_learns_nothing(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """A good token without grants is a 403 on every route, whatever the request holds."""
    for method, path, body in (
        ("GET", PROFILE, None),
        ("GET", f"{PROFILE}?nonsense=1", None),
        ("POST", "/v1/lookups", {"nonsense": 1}),
        ("GET", "/v1/quota", None),
    ):
        answer = call(method, path, body, client="nobody")
        assert (kind_of(answer), answer[1]["detail"]) == ((403, "unknown-client"), "this client has no grants")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", PROFILE, "lookups/write schedules/write"),
        ("POST", "/v1/lookups", "profiles/read"),
        ("PUT", "/v1/schedules/nightly", "[profiles/read lookups/write]"),
        ("GET", "/v1/quota", ""),
    ],
)
def test_a_missing_scope(deployed: Stage, call: Call, method: str, path: str, scope: str) -> None:
    """A token without the route's scope that API Gateway accepted is refused by the handler."""
    answer = call(method, path, {}, scope=scope)
    assert kind_of(answer) == (403, "missing-scope")
    assert answer[1]["scope"] not in scope


def test_scopes_as_a_list(deployed: Stage, call: Call) -> None:
    """API Gateway passes a claim that is a list as `[a b]`."""
    assert call("GET", "/v1/quota", scope="[lookups/write profiles/read]")[0] == 200


def test_only_granted_fields_are_requested_and_returned(
    deployed: Stage, simulator: Simulator, grant: Grant, call: Call
) -> None:
    """Without `fields` the granted ones are requested and returned; another field is a 403 that calls nothing."""
    grant(fields=["city"])
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Dunedin", "salary": 7})
    assert call("GET", PROFILE)[1]["user_attributes"] == {"city": "Dunedin"}
    calls = simulator.counters().calls
    assert kind_of(call("GET", f"{PROFILE}?fields=city,salary")) == (403, "forbidden")
    assert simulator.counters().calls == calls


def test_an_empty_list_of_fields_is_no_grant(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """Grants with an empty list are unreadable: no request is accepted, and nothing is called."""
    grant(fields=[])
    simulator.set_user("C-1", {"customer_id": "C-1", "salary": 7})
    assert call("GET", PROFILE)[0] == 503
    assert simulator.counters().calls == 0


def test_a_stored_profile_is_cut_to_the_grant(
    deployed: Stage, simulator: Simulator, grant: Grant, call: Call, context: LambdaContext
) -> None:
    """A profile that was stored whole for others answers with the granted fields only."""
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Dunedin", "salary": 7})
    grant(fields=["city"])
    message: dict[str, Any] = {"messageId": "m", "receiptHandle": "r", "body": "C-1"}
    message |= {"eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:intake"}
    message |= {"attributes": {"SentTimestamp": "1795460000000", "ApproximateReceiveCount": "1"}}
    on_queue.handler({"Records": [message]}, context)
    status, body, _ = call("GET", f"{PROFILE}?max_age=31000000")
    assert (status, body["source"], body["user_attributes"]) == (200, "stored", {"city": "Dunedin"})


def test_without_the_bulk_lane(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """Rosters, long lists, schedules and work behind the answer need the lane `bulk`; answers at once do not."""
    grant(lanes=["on_demand"])
    assert call("POST", "/v1/lookups", {"identifiers": ["C-1"]})[0] == 200
    many = {"identifiers": [f"user-{number}" for number in range(101)]}
    refused = call("POST", "/v1/lookups", many)
    assert (kind_of(refused), refused[1]["detail"]) == ((403, "forbidden"), "lane 'bulk' is not granted")
    assert kind_of(call("POST", "/v1/lookups", {"identifiers": ["C-1"]}, prefer="respond-async"))[0] == 403
    assert kind_of(call("GET", "/v1/profiles/customer_id/C-2", prefer="respond-async")) == (403, "forbidden")
    assert call("GET", "/v1/lookups")[1]["lookups"] == []
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)"}
    assert kind_of(call("PUT", "/v1/schedules/nightly", order)) == (403, "forbidden")


def test_without_the_on_demand_lane(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """Without the lane `on_demand` the store answers at once, and what it does not hold becomes a lookup."""
    call("GET", PROFILE)
    calls = simulator.counters().calls
    grant(lanes=["bulk"])
    forget()
    assert call("GET", f"{PROFILE}?max_age=600")[1]["source"] == "stored"
    assert call("GET", "/v1/profiles/customer_id/C-2")[0] == 202
    assert simulator.counters().calls == calls


def test_an_operator_sees_the_intake(
    deployed: Stage, simulator: Simulator, call: Call, event: Callable[[str], dict[str, Any]], context: LambdaContext
) -> None:
    """The day's intake shows its counts to the scope `service/admin`; to everybody else it is not there."""
    intake = event("on_queue/intake.json")
    on_queue.handler(intake, context)
    keys = deployed.keys("parts/")
    path = "/v1/lookups/" + keys[0].rsplit("/", 1)[1][: len("intake-2026-11-24")]
    scope = "profiles/read service/admin"
    status, body, _ = call("GET", path, scope=scope)
    assert (status, body["state"], body["counts"]["found"], body["counts"]["invalid"]) == (200, "standing", 4, 1)
    assert (body["results"]["state"], body["results"]["files"]) == ("collecting", 0)
    assert kind_of(call("GET", path)) == (404, "not-found")
    assert kind_of(call("GET", "/v1/lookups/intake-1999-01-01", scope=scope)) == (404, "not-found")
    assert kind_of(call("GET", f"{path}/results", scope=scope)) == (404, "not-found")
