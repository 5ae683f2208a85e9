"""`Idempotency-Key`: the same request is served once, and its answer is given again."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from infra.local.simulator.process import Fault, Simulator
from tests.handlers.calling import Answer, Call, kind_of
from tests.handlers.conftest import CLIENT_ID, on_requests_to_aws
from tests.handlers.test_daily_users import grant
from tests.lookup.stage import Stage
from tests.waiting import GIVE_UP

ORDER = {"identifiers": ["C-1", "null", {"identifier_type": "id", "identifier": "62e7a1b2c3d4e5f601234567"}]}


def post(call: Call, order: object = None, **headers: str) -> Answer:
    return call("POST", "/v1/lookups", ORDER if order is None else order, idempotency_key="key-1", **headers)


def test_an_answer_is_given_again(simulator: Simulator, call: Call) -> None:
    """The second answer is the first, byte for byte, and costs no quota; it says that it is one."""
    first, requested = post(call), simulator.counters().users
    simulator.set_user("C-1", {"customer_id": "C-1", "changed": True})
    second = post(call)
    assert (first[0], second[0], second[1]) == (200, 200, first[1])
    assert (second[2]["Idempotent-Replayed"], "Idempotent-Replayed" in first[2]) == ("true", False)
    assert simulator.counters().users == requested


def test_an_answer_from_the_store_is_given_again(simulator: Simulator, call: Call) -> None:
    """An answer that cost nothing is kept as well."""
    call("POST", "/v1/lookups", {"identifiers": ["C-1"]})
    order = {"identifiers": ["C-1"], "max_age": 60}
    assert post(call, order)[1] == post(call, order)[1]


def test_a_lookup_is_submitted_once(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """An accepted lookup is answered again with its state; there is no second one, and one charge."""
    grant(deployed, 5)
    first = post(call, prefer="respond-async")
    second = post(call, prefer="respond-async")
    assert (first[0], second[0]) == (202, 202)
    assert first[2]["Location"] == second[2]["Location"]
    assert len(call("GET", "/v1/lookups")[1]["lookups"]) == 1
    assert call("GET", "/v1/quota")[1]["today"]["users"] == 2


def test_a_key_stands_for_one_request(simulator: Simulator, call: Call) -> None:
    """The key with another body is a 422 and does nothing; of another partner it is another key."""
    post(call)
    assert kind_of(post(call, {"identifiers": ["C-2"]})) == (422, "idempotency-key-reused")
    assert call("POST", "/v1/lookups", {"identifiers": ["C-2"]}, idempotency_key="key-2")[0] == 200


def test_another_partners_key(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """Partners do not share keys."""
    grants = {CLIENT_ID: {"name": "acme"}, "other": {"name": "other"}}
    deployed.session.client("ssm").put_parameter(
        Name=deployed.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )
    first = post(call)
    other = call("POST", "/v1/lookups", {"identifiers": ["C-2"]}, idempotency_key="key-1", client="other")
    assert (first[0], other[0], "Idempotent-Replayed" in other[2]) == (200, 200, False)


def test_a_request_that_is_being_served(simulator: Simulator, call: Call) -> None:
    """While the first is being served, the second is a 409 with Retry-After and calls nothing."""
    begun, refused, answers = threading.Event(), threading.Event(), list[Answer]()

    def hold(model: Any, **_: object) -> None:
        if model.name == "PutItem" and threading.current_thread() is first:  # its key is written down
            begun.set()
            assert refused.wait(GIVE_UP)

    on_requests_to_aws("after-call", hold)
    first = threading.Thread(target=lambda: answers.append(post(call)))
    first.start()
    assert begun.wait(GIVE_UP)
    second = post(call)
    refused.set()
    first.join()
    assert (kind_of(second), answers[0][0]) == ((409, "idempotency-key-in-use"), 200)


def test_a_fault_frees_the_key(simulator: Simulator, call: Call) -> None:
    """What was refused may be sent again under its key."""
    assert kind_of(post(call, ORDER | {"workspace": "elsewhere"})) == (403, "forbidden")
    assert post(call)[0] == 200


def test_a_response_after_vendor_errors_is_not_stored(simulator: Simulator, call: Call) -> None:
    """A response with identifiers that failed for now is not stored: the same request calls again."""
    simulator.set_faults(Fault(status=503))
    assert post(call)[1]["counts"]["failed"] == 2
    simulator.set_faults()
    again = post(call)
    assert (again[1]["counts"]["found"], "Idempotent-Replayed" in again[2]) == (2, False)


def test_the_ledger_holds_no_profile(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """Neither attributes nor identifiers nor the key are in what is kept of an answer."""
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Dunedin"})
    post(call)
    ledger = deployed.dynamodb.scan(TableName=deployed.settings.ledger_table_name)["Items"]
    kept = [json.dumps(item) for item in ledger if item["pk"]["S"] == "idempotency#acme"]
    assert len(kept) == 1
    assert not [word for word in ("Dunedin", "C-1", "key-1") if word in kept[0]]


@pytest.mark.parametrize("key", ["", "two words", "ü", "x" * 256])
def test_a_senseless_key(simulator: Simulator, call: Call, key: str) -> None:
    """A key that is no key is a 400."""
    answer = call("POST", "/v1/lookups", ORDER, idempotency_key=key)
    assert kind_of(answer) == (400, "idempotency-key-malformed")
