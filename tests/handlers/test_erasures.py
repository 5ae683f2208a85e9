"""Erasures over HTTP: who may ask, what is answered, and what nobody gets any more."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

import on_erasure
import on_queue
from infra.local.simulator.process import Simulator
from lookup.api.console.parameter import SignIn
from lookup.fetch import tombstones
from tests.handlers.calling import Call, Calling, kind_of, serve_parts_queue
from tests.handlers.conftest import Grant, forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record

Load = Callable[[str], dict[str, Any]]
ERASE = "profiles/read profiles/erase lookups/write"
OPERATOR = f"{ERASE} service/admin"
ONE = {"identifiers": ["user-1"]}


@pytest.fixture
def granted(grant: Grant) -> None:
    grant(erase=5)
    forget()


def served(deployed: Stage, context: LambdaContext, step: int = 0) -> list[dict[str, Any]]:
    """Serve a step of the erasure that was asked for last, as SQS does after its delay; return what was sent."""
    queue = on_erasure.services().erasure_queue
    found = [item for item in on_erasure.services().table.query("tombstones") if item["sk"]["S"] != "head"]
    body = {"erasure_id": found[-1]["sk"]["S"], "step": step, "identifiers": [["customer_id", "user-1"]]}
    message: Any = {"MessageId": "m-1", "Body": json.dumps(body), "ReceiptHandle": "r", "Attributes": {}}
    message["Attributes"] = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795460538123"}
    event = {"Records": [sqs_record(message, "erasures")]}
    assert queue is not None
    answer: list[dict[str, Any]] = on_erasure.handler(event, replace(context, remaining_seconds=900.0))[
        "batchItemFailures"
    ]
    return answer


def waiting(deployed: Stage) -> int:
    """Count the messages on the queue of erasures, those that are delayed too."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    url = deployed.settings.erasure_queue_url or ""
    held = deployed.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(held[name]) for name in names)


def test_an_erasure_is_accepted_and_can_be_read(
    deployed: Stage, granted: None, call: Call, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request is 202 with the erasure's address; once it has searched, the erasure says what it found."""
    assert call("GET", "/v1/profiles/customer_id/user-1")[0] == 200
    status, begun, headers = call("POST", "/v1/erasures", ONE, scope=ERASE)
    assert (status, begun["state"], begun["identifiers"]) == (202, "running", 1)
    assert headers["Location"] == begun["links"]["self"] == f"/v1/erasures/{begun['erasure_id']}"
    assert "user-1" not in json.dumps(begun)
    assert served(deployed, context) == []
    _, searched, _ = call("GET", begun["links"]["self"], scope=ERASE)
    assert (searched["state"], searched["searches"]) == ("verifying", 1)
    assert searched["found"] == {"profiles": 1}
    assert call("POST", "/v1/erasures", ONE, scope=ERASE)[1] == searched
    assert "user-1" not in capsys.readouterr().out  # of logs and metrics


def test_who_is_erased_is_not_fetched(
    deployed: Stage, granted: None, call: Call, context: LambdaContext, simulator: Simulator
) -> None:
    """From the answer on nothing brings the person back: no request, no part, no message, and no quota is used."""
    assert call("GET", "/v1/profiles/customer_id/user-1")[0] == 200  # as in a table that is restored afterwards
    simulator.reset(not_found_share=0.0)
    _, waiting, _ = call("POST", "/v1/lookups", {"identifiers": ["user-1", "user-2"]}, prefer="respond-async")
    call("POST", "/v1/erasures", ONE, scope=ERASE)
    forget()
    assert kind_of(call("GET", "/v1/profiles/customer_id/user-1?max_age=3600")) == (410, "erased")
    _, answered, _ = call("POST", "/v1/lookups", {"identifiers": ["user-1"], "max_age": 3600})
    (outcome,) = answered["outcomes"]
    assert (outcome["outcome"], outcome["reason"], outcome["user_attributes"]) == ("invalid", "erased", None)
    serve_parts_queue(deployed, context)
    _, done, _ = call("GET", waiting["links"]["self"])
    assert done["counts"] == {"requested": 2, "found": 1, "not_found": 0, "invalid": 1, "failed": 0}
    message: Any = {
        "MessageId": "m-7",
        "Body": json.dumps({"identifier": "user-1", "correlation_id": "of user-1"}),
        "ReceiptHandle": "r",
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795460538123"},
    }
    on_queue.handler({"Records": [sqs_record(message, "intake")]}, context)
    assert sum(arrival.users for arrival in simulator.arrivals()) == 1
    for key in deployed.keys("parts/"):
        body = deployed.s3.get_object(Bucket=deployed.settings.bucket_name, Key=key)["Body"].read()
        assert b"user-1" not in gzip.decompress(body)


def test_a_stored_user_is_known_by_any_identifier(
    deployed: Stage, granted: None, call: Call, simulator: Simulator
) -> None:
    """Somebody erased by one identifier is not answered from the store by another: no table that is restored does."""
    _, stored, _ = call("GET", "/v1/profiles/customer_id/user-1")
    own = {"identifier_type": "id", "identifier": stored["user_attributes"]["id"]}
    assert call("POST", "/v1/erasures", {"identifiers": [own]}, scope=ERASE)[0] == 202
    forget()
    asked = len(simulator.arrivals())
    assert kind_of(call("GET", "/v1/profiles/customer_id/user-1?max_age=3600")) == (410, "erased")
    _, answered, _ = call("POST", "/v1/lookups", {"identifiers": ["user-1", "user-2"], "max_age": 3600})
    assert [(one["outcome"], one["reason"]) for one in answered["outcomes"]] == [("invalid", "erased"), ("found", None)]
    assert len(simulator.arrivals()) == asked + 1


def test_an_inline_roster_names_nobody_erased(deployed: Stage, granted: None, call: Call) -> None:
    """A request that becomes a lookup writes a roster without the people that are erased, who are invalid."""
    call("POST", "/v1/erasures", ONE, scope=ERASE)
    forget()
    call("POST", "/v1/lookups", {"identifiers": ["user-1", "user-2"]}, prefer="respond-async")
    (key,) = deployed.keys("rosters/inline/")
    body = deployed.s3.get_object(Bucket=deployed.settings.bucket_name, Key=key)["Body"].read()
    assert b"user-1" not in body
    assert b"user-2" in body


def test_the_tombstones_of_another_instance_are_seen(
    deployed: Stage, granted: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function instance that has read the tombstones before reads them again after half a minute."""
    monkeypatch.setattr(tombstones, "CACHED_SECONDS", 0.0)
    assert call("GET", "/v1/profiles/customer_id/user-1")[0] == 200
    call("POST", "/v1/erasures", ONE, scope=ERASE)
    assert call("GET", "/v1/profiles/customer_id/user-1")[0] == 410


def test_who_may_not(deployed: Stage, grant: Grant, call: Call) -> None:
    """Without the scope, the grant or the workspace nothing is erased; another partner's erasure is not found."""
    assert kind_of(call("POST", "/v1/erasures", ONE)) == (403, "missing-scope")
    assert kind_of(call("POST", "/v1/erasures", ONE, scope=ERASE)) == (403, "forbidden")
    grant(erase=1)
    forget()
    assert kind_of(call("POST", "/v1/erasures", ONE | {"workspace": "other"}, scope=ERASE)) == (403, "forbidden")
    assert kind_of(call("GET", "/v1/erasures/erasure-1", scope=ERASE)) == (404, "not-found")
    assert call("POST", "/v1/erasures", ONE, scope=ERASE)[0] == 202
    status, refused, _ = call("POST", "/v1/erasures", {"identifiers": ["user-2"]}, scope=ERASE)
    assert (status, refused["owned"], refused["limit"]) == (429, "erasures", 1)
    assert call("POST", "/v1/erasures", {"identifiers": ["user-2"]}, scope=OPERATOR)[0] == 202


def test_a_person_with_the_operators_scope_is_no_operator_by_it(deployed: Stage, grant: Grant, call: Calling) -> None:
    """Any scope of the console's client can be asked for: people of a partner that is not admin erase what it may."""
    people = SignIn("console", "/authorize", "/token", None, (), "cognito:groups")
    deployed.session.client("ssm").put_parameter(
        Name=deployed.settings.console_parameter_name, Value=json.dumps({"sign_in": asdict(people)}), Type="String"
    )
    call.template["requestContext"]["authorizer"]["jwt"]["claims"]["cognito:groups"] = "[crm]"
    for grants, status in (({}, 403), ({"erase": 1}, 202), ({"admin": True}, 202)):
        grant(groups=["crm"], **grants)
        forget()
        assert call("POST", "/v1/erasures", ONE, client="console", scope=OPERATOR)[0] == status
    grant(groups=["crm"], erase=1)
    forget()
    more = {"identifiers": ["user-2"]}
    assert kind_of(call("POST", "/v1/erasures", more, client="console", scope=OPERATOR)) == (429, "too-many")


def test_who_is_refused_puts_nothing_on_the_queue(deployed: Stage, granted: None, call: Call) -> None:
    """One request is one message: neither a refusal nor the same request again adds one; two functions serve all."""
    refused = {"identifiers": [f"user-{number}" for number in range(6)]}
    for _ in range(3):
        assert call("POST", "/v1/erasures", ONE, scope=ERASE)[0] == 202
        assert call("POST", "/v1/erasures", refused, scope=ERASE)[0] == 429
    assert waiting(deployed) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.identifiers"),
        ({"identifiers": []}, "body.identifiers"),
        ({"identifiers": [f"C-{number}" for number in range(101)]}, "body.identifiers"),
        ({"identifiers": ["C-1", ""]}, "identifiers[1]"),
        ({"identifiers": [{"identifier_type": "email", "identifier": "a@b"}]}, "identifiers[0]"),
        ({"identifiers": ["C-1"], "why": "law"}, "body.why"),
    ],
)
def test_bad_input_is_named(granted: None, call: Call, body: object, field: str) -> None:
    """What is no identifier, or too many, is refused by field and rule, and nothing is erased."""
    status, refused, _ = call("POST", "/v1/erasures", body, scope=ERASE)
    assert (status, refused["errors"][0]["field"]) == (422, field)


def test_a_message_of_no_erasure_ends(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A step whose erasure was never written comes a few times and is dropped; what is no step is dead-lettered."""
    delivered = event("on_erasure/step.json")
    delivered["Records"][0]["attributes"]["ApproximateReceiveCount"] = "4"
    assert on_erasure.handler(delivered, context) == {"batchItemFailures": []}
    delivered["Records"][0]["body"] = "[]"
    assert on_erasure.handler(delivered, context) == {"batchItemFailures": []}
    (laid,) = deployed.messages(deployed.settings.erasure_dead_letter_queue_url or "")
    assert laid["MessageAttributes"]["reason"]["StringValue"] == (
        "body: must be an object with erasure_id, step and identifiers"
    )
