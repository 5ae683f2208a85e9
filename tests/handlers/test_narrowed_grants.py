"""Grants that were narrowed hold for what was fetched before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.local.simulator.process import Simulator
from tests.handlers.calling import Answer, Call, kind_of, serve_parts_queue
from tests.handlers.conftest import Grant, forget
from tests.handlers.test_large_answers import HUGE
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage


def post(call: Call, **headers: str) -> Answer:
    return call("POST", "/v1/lookups", {"identifiers": ["C-1"]}, idempotency_key="key-1", **headers)


def narrow(grant: Grant, **grants: object) -> None:
    """Change acme's grants, and begin a function instance that has not read the old ones."""
    grant(**grants)
    forget()


@pytest.fixture
def two_brands(deployed: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Add a second workspace to the stage."""
    known = deployed.settings.workspaces
    settings = replace(deployed.settings, workspaces={**known, "brand-b": known["default"]})
    for name, value in settings.to_environment().items():
        monkeypatch.setenv(name, value)
    forget()
    return deployed


def test_a_replay_is_cut(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """An answer is given again without the attributes, and the names of changed ones, that are not granted now."""
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Leeds", "salary": 6})
    call("GET", "/v1/profiles/customer_id/C-1")
    simulator.set_user("C-1", {"customer_id": "C-1", "city": "Dunedin", "salary": 7})
    assert post(call)[1]["outcomes"][0]["changed_fields"] == ["city", "salary"]
    narrow(grant, fields=["city"])
    status, body, headers = post(call)
    assert (status, headers["Idempotent-Replayed"]) == (200, "true")
    assert body["outcomes"][0]["changed_fields"] == ["city"]
    assert body["outcomes"][0]["user_attributes"] == {"city": "Dunedin"}


def test_a_large_replay_gives_no_link_to_more(deployed: Stage, simulator: Simulator, grant: Grant, call: Call) -> None:
    """The archived object is not handed out when it holds a field that is not granted now."""
    simulator.set_user("C-1", HUGE | {"salary": 7})
    assert post(call)[1]["attributes_omitted"]
    assert post(call)[1]["links"]["results"]
    narrow(grant, fields=["text"])
    assert kind_of(post(call)) == (403, "forbidden")
    narrow(grant, fields=["salary"])
    assert post(call)[1]["outcomes"][0]["user_attributes"] == {"salary": 7}


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async"])
def test_a_revoked_workspace(two_brands: Stage, simulator: Simulator, grant: Grant, call: Call, prefer: str) -> None:
    """No answer is given again from a workspace that is not granted any more, at once or as a lookup."""
    assert post(call, prefer=prefer)[0] in {200, 202}
    narrow(grant, workspaces=["brand-b"])
    assert kind_of(post(call, prefer=prefer)) == (403, "forbidden")


def test_a_lookup_of_a_revoked_workspace(two_brands: Stage, grant: Grant, call: Call) -> None:
    """Such a lookup is neither shown, controlled nor listed, and its results are not returned."""
    path = post(call, prefer="respond-async")[1]["links"]["self"]
    narrow(grant, workspaces=["brand-b"])
    assert kind_of(call("GET", path)) == (403, "forbidden")
    assert kind_of(call("PATCH", path, {"action": "pause"})) == (403, "forbidden")
    assert kind_of(call("GET", f"{path}/results")) == (403, "forbidden")
    assert call("GET", "/v1/lookups")[1]["lookups"] == []


@pytest.mark.parametrize(
    ("before", "now", "status"),
    [
        (None, ["city"], 403),
        (["city", "tier"], ["city"], 403),
        (["city"], ["city", "tier"], 200),
        (["city"], None, 200),
    ],
)
def test_results_with_a_field_that_is_not_granted_now(
    deployed: Stage,
    grant: Grant,
    call: Call,
    context: LambdaContext,
    before: list[str] | None,
    now: list[str] | None,
    status: int,
) -> None:
    """Result files are returned while all fields of the lookup are granted; its state always is."""
    narrow(grant, fields=before)
    path = post(call, prefer="respond-async")[1]["links"]["self"]
    serve_parts_queue(deployed, context)
    narrow(grant, fields=now)
    assert call("GET", f"{path}/results")[0] == status
    assert call("GET", path)[0] == 200


def test_no_more_calls_with_a_field_that_is_not_granted_now(deployed: Stage, grant: Grant, call: Call) -> None:
    """A lookup with a withdrawn field can be paused and cancelled, and neither resumed nor retried."""
    path = post(call, prefer="respond-async")[1]["links"]["self"]
    narrow(grant, fields=["city"])
    assert call("PATCH", path, {"action": "pause"})[0] == 200
    assert kind_of(call("PATCH", path, {"action": "resume"})) == (403, "forbidden")
    assert kind_of(call("PATCH", path, {"action": "retry_failed"})) == (403, "forbidden")
    assert call("PATCH", path, {"action": "cancel"})[0] == 200
