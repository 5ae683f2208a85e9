"""Partners do not see each other: another's thing and one that never was are answered alike, word for word."""

from __future__ import annotations

import json

import pytest

from infra.local.simulator.process import Simulator
from tests.handlers.calling import Answer, Call, serve_parts_queue, uploaded
from tests.handlers.conftest import CLIENT_ID
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

OTHER = "other-client"
ORDER = {"identifiers": ["C-1"]}


@pytest.fixture
def two(deployed: Stage, simulator: Simulator) -> Stage:
    """Grant two partners the same."""
    grants = {CLIENT_ID: {"name": "acme"}, OTHER: {"name": "other"}}
    deployed.session.client("ssm").put_parameter(
        Name=deployed.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )
    deployed.session.client("scheduler").create_schedule_group(Name="group")
    return deployed


def seen(answer: Answer) -> tuple[int, str, str]:
    return answer[0], answer[1]["type"], answer[1]["detail"]


def test_lookups(two: Stage, call: Call, context: LambdaContext) -> None:
    """Whether it runs or has ended, another's lookup can neither be read, steered nor fetched, nor is it listed."""
    theirs = call("POST", "/v1/lookups", ORDER, prefer="respond-async")[1]["links"]["self"]
    never = f"/v1/lookups/lookup-{'0' * 32}"
    for _ in range(2):
        for method, tail, body in (
            ("GET", "", None),
            ("GET", "/results", None),
            ("GET", "/results?parts=true", None),
            ("GET", f"/results/{theirs.rpartition('/')[2]}-00001.parquet", None),
            ("POST", "/exports", {"formats": ["csv"]}),
            *(("PATCH", "", {"action": action}) for action in ("pause", "resume", "cancel", "retry_failed")),
        ):
            answers = [seen(call(method, path + tail, body, client=OTHER)) for path in (theirs, never)]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
        assert call("GET", "/v1/lookups", client=OTHER)[1]["lookups"] == []
        serve_parts_queue(two, context)
    assert call("GET", theirs)[1]["state"] == "completed"


def test_rosters(two: Stage, call: Call) -> None:
    """Another's roster can be looked up, estimated and scheduled as little as one that was never uploaded."""
    schedule = {"expression": "rate(1 hour)"}
    for method, path, order in (
        ("POST", "/v1/lookups", {}),
        ("POST", "/v1/lookups?dry_run=true", {}),
        ("PUT", "/v1/schedules/nightly", schedule),
    ):
        ids = (uploaded(call, b"user-1\n"), "0" * 32)
        answers = [seen(call(method, path, order | {"roster_id": one}, client=OTHER)) for one in ids]
        assert answers[0] == answers[1]
        assert answers[0][0] == 422


def test_schedules(two: Stage, call: Call) -> None:
    """Another's schedule can neither be read nor deleted; one of the same name is a schedule of its own."""
    order = {"roster_id": uploaded(call, b"user-1\n"), "expression": "rate(1 hour)"}
    assert call("PUT", "/v1/schedules/nightly", order)[0] == 201
    for method in ("GET", "DELETE"):
        answers = [seen(call(method, f"/v1/schedules/{name}", client=OTHER)) for name in ("nightly", "never")]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    assert call("GET", "/v1/schedules", client=OTHER)[1]["schedules"] == []
    own = order | {"roster_id": _uploaded_by_other(call), "expression": "rate(2 hours)"}
    assert call("PUT", "/v1/schedules/nightly", own, client=OTHER, if_none_match="*")[0] == 201
    assert call("GET", "/v1/schedules/nightly")[1]["expression"] == "rate(1 hour)"


def test_the_quota(two: Stage, call: Call) -> None:
    """Other partners' requests show in the workspace's sums only; today's users are the caller's own."""
    grants = {CLIENT_ID: {"name": "acme", "users_per_day": 9}, OTHER: {"name": "other", "users_per_day": 9}}
    two.session.client("ssm").put_parameter(
        Name=two.settings.partners_parameter_name, Value=json.dumps(grants), Type="String", Overwrite=True
    )
    call("POST", "/v1/lookups", ORDER)
    quota = call("GET", "/v1/quota", client=OTHER)[1]
    assert (quota["used"]["total"], quota["today"]["users"]) == (1, 0)
    assert "acme" not in json.dumps(quota)


def _uploaded_by_other(call: Call) -> str:
    def as_other(method: str, path: str, body: object = None) -> Answer:
        return call(method, path, body, client=OTHER)

    return uploaded(as_other, b"user-2\n")
