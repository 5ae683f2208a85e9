"""What a profile costs: requests to AWS are counted as botocore sends them, users as the simulator meets them."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from infra.local.simulator.process import Simulator
from tests.handlers.calling import Call
from tests.handlers.conftest import on_requests_to_aws
from tests.lookup.stage import Stage
from tests.waiting import GIVE_UP

PATH = "/v1/profiles/customer_id"


@pytest.fixture
def requests(deployed: Stage) -> Counter[str]:
    """Count the requests of this function instance by service and operation."""
    counted: Counter[str] = Counter()

    def see(model: Any, **_: object) -> None:
        counted[f"{model.service_model.service_name}:{model.name}"] += 1

    on_requests_to_aws("before-call", see)
    return counted


def test_a_warm_profile_costs_one_read(simulator: Simulator, requests: Counter[str], call: Call) -> None:
    """A stored profile that is fresh enough costs one DynamoDB read: no write, no quota, no object."""
    call("GET", f"{PATH}/C-1?max_age=60")
    before = simulator.counters().users
    requests.clear()
    status, body, _ = call("GET", f"{PATH}/C-1?max_age=60")
    assert (status, body["source"]) == (200, "stored")
    assert requests == {"dynamodb:GetItem": 1}
    assert simulator.counters().users == before


def test_a_miss_costs_one_request_of_each_kind(simulator: Simulator, requests: Counter[str], call: Call) -> None:
    """A miss costs one read, one write of the gate, one of the profile and one message: no object."""
    call("GET", f"{PATH}/C-1")
    before = simulator.counters().users
    requests.clear()
    status, body, _ = call("GET", f"{PATH}/C-2")
    assert (status, body["source"]) == (200, "moengage")
    assert requests == {
        "dynamodb:GetItem": 1,
        "dynamodb:UpdateItem": 1,
        "dynamodb:PutItem": 1,
        "sqs:SendMessage": 1,
    }
    assert simulator.counters().users == before + 1


def test_profile_and_archive_are_written_together(simulator: Simulator, deployed: Stage, call: Call) -> None:
    """Neither write waits for the other: each is held back until both are on their way."""
    both, is_warm = threading.Barrier(2, timeout=GIVE_UP), threading.Event()

    def hold(model: Any, **_: object) -> None:
        if model.name in {"PutItem", "SendMessage"} and is_warm.is_set():
            both.wait()

    on_requests_to_aws("before-call", hold)
    call("GET", f"{PATH}/C-1")  # the first call of all puts the gate's item
    is_warm.set()
    assert call("GET", f"{PATH}/C-2")[0] == 200
    assert not both.broken


def test_a_list_from_the_store_costs_one_read(simulator: Simulator, requests: Counter[str], call: Call) -> None:
    """A hundred stored profiles cost one read together."""
    order = {"identifiers": [f"user-{number}" for number in range(100)], "max_age": 60}
    call("POST", "/v1/lookups", order)
    requests.clear()
    assert call("POST", "/v1/lookups", order)[1]["counts"]["found"] == 100
    assert requests == {"dynamodb:BatchGetItem": 1}
