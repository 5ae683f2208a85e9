"""202: a valid request is no error when the quota is busy; the work is safe before that is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import on_schedule
from infra.local.simulator.process import Fault, Simulator
from lookup.bulk.part_message import parse_part
from tests.aws_answers import dynamodb_error
from tests.handlers.calling import Call, serve_parts_queue, uploaded
from tests.handlers.conftest import on_requests_to_aws
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

PROFILE = "/v1/profiles/customer_id/C-1"
TICK = {"task": "feed"}


@contextmanager
def silent(service: str, mark: bytes = b"") -> Iterator[None]:
    """Make a service of AWS fail every request that holds the mark; to be entered before the first request."""
    failing = True

    def fail(request: Any, **_: object) -> Any:
        return dynamodb_error(request.url, 500, "InternalServerError") if failing and mark in request.body else None

    on_requests_to_aws(f"before-send.{service}", fail)
    yield
    failing = False


def queued(deployed: Stage) -> list[str]:
    """Return the lookups whose parts are on the queue."""
    return [parse_part(one["Body"]).lookup_id for one in deployed.messages(deployed.settings.parts_queue_url)]


def test_it_is_on_the_queue_however_much_is_there(
    deployed: Stage, simulator: Simulator, scarce: int, call: Call
) -> None:
    """What spills over goes on the parts queue before the answer leaves, also behind a roster that fills it."""
    call("POST", "/v1/lookups", {"identifiers": [f"user-{n}" for n in range(scarce)]})
    call("POST", "/v1/lookups", {"identifiers": [f"bulk-{n}" for n in range(900)]})
    status, lookup, _ = call("POST", "/v1/lookups", {"identifiers": ["late-1", "late-2"]}, prefer="wait=0")
    assert status == 202
    assert queued(deployed).count(lookup["lookup_id"]) == 1


def test_a_gate_that_does_not_answer_is_no_error(
    deployed: Stage, simulator: Simulator, call: Call, context: LambdaContext
) -> None:
    """While the gate does not answer, the lookup is accepted; the next minute's feeding serves it."""
    with silent("dynamodb", b'"gate#default"'):
        status, lookup, headers = call("GET", PROFILE)
        assert (status, headers["Location"]) == (202, lookup["links"]["self"])
    assert on_schedule.handler(TICK, context) == {"fed": 1}
    assert serve_parts_queue(deployed, context) == 1
    assert call("GET", lookup["links"]["self"])[1]["state"] == "completed"


def test_a_queue_that_does_not_answer_is_no_error(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """While the queue does not answer, the lookup is accepted all the same: it is in the ledger, and goes on."""
    with silent("sqs"):
        status, lookup, _ = call("GET", PROFILE, prefer="respond-async")
        assert status == 202
    assert call("GET", lookup["links"]["self"])[1]["state"] == "active"
    assert call("GET", "/v1/quota")[1]["backlog"]["users"] == 1


def test_when_to_look_again(deployed: Stage, simulator: Simulator, call: Call, context: LambdaContext) -> None:
    """A lookup that runs says when to look again, after a minute at most; one that has ended does not."""
    order = {"roster_id": uploaded(call, b"".join(b"user-%d\n" % number for number in range(5000)))}
    _, long, headers = call("POST", "/v1/lookups", order)
    assert headers["Retry-After"] == call("GET", long["links"]["self"])[2]["Retry-After"] == "60"
    call("PATCH", long["links"]["self"], {"action": "cancel"})
    _, short, headers = call("POST", "/v1/lookups", {"identifiers": ["C-1"]}, prefer="respond-async")
    assert headers["Retry-After"] == "1"
    serve_parts_queue(deployed, context)
    assert "Retry-After" not in call("GET", short["links"]["self"])[2]


def test_an_estimate_waits_for_a_closed_gate(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """While the gate is closed, a lookup that is accepted is not done before MoEngage is called again."""
    simulator.set_faults(Fault(status=403))
    assert call("GET", PROFILE)[0] == 503
    closed_until = call("GET", "/v1/quota")[1]["gate"]["closed_until"]
    status, lookup, _ = call("POST", "/v1/lookups", {"identifiers": ["C-2"]}, prefer="respond-async")
    assert status == 202
    assert datetime.fromisoformat(lookup["estimate"]["done_at"]) > datetime.fromisoformat(closed_until)
    dry = call("POST", "/v1/lookups?dry_run=true", {"identifiers": ["C-2"]})[1]["estimate"]
    assert datetime.fromisoformat(dry["done_at"]) > datetime.fromisoformat(closed_until)


def test_nothing_is_kept_by_others(simulator: Simulator, call: Call) -> None:
    """Every answer but a profile says `no-store`: it holds personal data or URLs of it; so do problems."""
    for method, path, body in (
        ("POST", "/v1/lookups", {"identifiers": ["C-1"]}),
        ("POST", "/v1/rosters", {"bytes": 9}),
        ("GET", "/v1/lookups", None),
        ("GET", "/v1/quota", None),
        ("GET", "/v1/lookups/none", None),
        ("GET", "/v1/none", None),
    ):
        assert call(method, path, body)[2]["Cache-Control"] == "no-store"
    simulator.set_user("C-9", None)
    absent = call("GET", "/v1/profiles/customer_id/C-9?max_age=60")
    assert (absent[0], absent[2]["Cache-Control"]) == (404, "private, max-age=60")
