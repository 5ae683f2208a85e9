"""AWS unavailable beyond botocore's retries: callers get a 503 with Retry-After, and no defect is reported."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

import on_queue
import on_schedule
from infra.local.simulator.process import Simulator
from lookup.quota import Quota
from lookup.telemetry import metrics
from tests.aws_answers import refused
from tests.handlers.calling import Call, kind_of, serve_parts_queue
from tests.handlers.conftest import on_requests_to_aws, with_quota
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]
PROFILE = "/v1/profiles/customer_id/C-1"
ORDER = {"identifiers": ["C-1", "C-2"]}
THROTTLED = refused(400, "ThrottlingException")
# AWS's operations for one profile, and how each service refuses for now.
FAILURES = (
    ("ssm.GetParameter", THROTTLED),
    ("dynamodb.GetItem:profiles", refused(400, "ProvisionedThroughputExceededException")),
    ("dynamodb.GetItem:profiles", refused(500, "InternalServerError")),
    ("dynamodb.GetItem:profiles", ReadTimeoutError(endpoint_url="https://dynamodb")),
    ("dynamodb.PutItem:profiles", refused(400, "RequestLimitExceeded")),
    ("secrets-manager.GetSecretValue", THROTTLED),
    ("secrets-manager.GetSecretValue", ConnectTimeoutError(endpoint_url="https://secretsmanager")),
)
DEFECTS = (
    ("dynamodb.GetItem:profiles", refused(400, "ValidationException")),
    ("dynamodb.PutItem:profiles", refused(400, "AccessDeniedException")),
)


def strike(operation: str, failure: object, *, naming: str = "") -> Callable[[], None]:
    """Make every request of an operation that names this fail, as when botocore's retries are over.

    It ends when the returned function is called.
    """
    lasts = [True]

    def meet(params: Mapping[str, Any], **_: Any) -> object:
        if not lasts or naming not in str(params["body"]):
            return None
        if isinstance(failure, Exception):
            raise failure
        return failure

    on_requests_to_aws(f"before-call.{operation}", meet)
    return lasts.clear


def counted(output: str) -> Mapping[str, float]:
    """Return the sums of the metrics of defects and AWS errors."""
    documents = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    names = ("AwsTrouble", "Defects", "SecretsUnreadable", "UsersGrantedUnused")
    total = {name: sum(sum(one.get(name, ())) for one in documents) for name in names}
    return {name: value for name, value in total.items() if value}


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Clear what tests in this process have counted outside of a handler: the next handler would publish it."""
    metrics.clear_metrics()


@pytest.mark.parametrize(("operation", "failure"), FAILURES)
def test_a_caller_is_told_when_to_retry(
    deployed: Stage,
    simulator: Simulator,
    call: Call,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    failure: object,
) -> None:
    """Whichever service is unavailable: 503 with Retry-After, a metric of its own, and the same again is served."""
    name, _, table = operation.partition(":")
    passes = strike(name, failure, naming=table)
    answer = call("GET", PROFILE)
    assert kind_of(answer) == (503, "unavailable")
    assert answer[2]["Retry-After"] == "5"
    assert counted(capsys.readouterr().out) == {"AwsTrouble": 1.0}
    passes()
    assert call("GET", PROFILE)[0] == 200


def test_what_the_queue_does_not_take_is_an_object(deployed: Stage, simulator: Simulator, call: Call) -> None:
    """Without SQS an answer is archived in S3 all the same; without both there is none, and then there is again."""
    strike("sqs.SendMessage", THROTTLED)
    passes = strike("s3.PutObject", refused(503, "SlowDown"))
    assert kind_of(call("GET", PROFILE)) == (503, "unavailable")
    passes()
    assert call("GET", "/v1/profiles/customer_id/C-2")[0] == 200
    assert len(deployed.keys("parts/")) == 1


@pytest.mark.parametrize(("operation", "defect"), DEFECTS)
def test_a_defect_stays_one(
    deployed: Stage,
    simulator: Simulator,
    call: Call,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    defect: object,
) -> None:
    """What AWS refuses for good is a 500 and counts in the alarm's metric."""
    name, _, table = operation.partition(":")
    strike(name, defect, naming=table)
    assert kind_of(call("GET", PROFILE)) == (500, "internal")
    assert counted(capsys.readouterr().out) == {"Defects": 1.0}


@pytest.mark.parametrize("operation", ["dynamodb.PutItem", "dynamodb.TransactWriteItems", "s3.PutObject"])
def test_a_request_with_a_key_can_be_sent_again(
    deployed: Stage, simulator: Simulator, call: Call, operation: str
) -> None:
    """Throttled wherever it may be, a keyed request gets `unavailable`, and the same key is served afterwards."""
    passes = strike(operation, THROTTLED)
    headers = {"idempotency_key": "k-1", "prefer": "respond-async"}
    assert kind_of(call("POST", "/v1/lookups", ORDER, **headers)) == (503, "unavailable")
    passes()
    assert call("POST", "/v1/lookups", ORDER, **headers)[0] == 202
    assert len(call("GET", "/v1/lookups")[1]["lookups"]) == 1


@pytest.mark.parametrize("operation", ["dynamodb.GetItem", "dynamodb.UpdateItem"])
def test_a_gate_that_does_not_answer_makes_it_a_lookup(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, call: Call, operation: str
) -> None:
    """When the gate's item alone is throttled, who waits gets a lookup, which goes on with a minute's feeding."""
    passes = strike(operation, THROTTLED, naming="gate#")
    status, lookup, _ = call("GET", PROFILE)
    assert (status, lookup["state"]) == (202, "active")
    passes()
    on_schedule.handler(event("on_schedule/tick.json"), context)
    assert serve_parts_queue(deployed, context) == 1
    assert call("GET", f"/v1/lookups/{lookup['lookup_id']}")[1]["counts"]["found"] == 1


def test_a_secret_that_cannot_be_read_now_is_not_unreadable(
    deployed: Stage,
    simulator: Simulator,
    event: Load,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A throttled Secrets Manager returns a part for seconds; the log names AWS, not a malformed secret."""
    waits: list[int] = []
    on_requests_to_aws(
        "provide-client-params.sqs.ChangeMessageVisibility",
        lambda params, **_: waits.append(params["VisibilityTimeout"]),
    )
    strike("secrets-manager.GetSecretValue", THROTTLED)
    received = event("on_queue/parts.json")
    received["Records"][0]["body"] = json.dumps(json.loads(received["Records"][0]["body"]) | {"fed_at": time.time()})
    assert len(on_queue.handler(received, context)["batchItemFailures"]) == 1
    assert [5 <= wait <= 12 for wait in waits] == [True]
    assert counted(capsys.readouterr().out) == {}
    lines = [vars(record) for record in caplog.records if record.getMessage() == "aws unavailable"]
    assert [(one["error"], one["setting"]) for one in lines] == [("ThrottlingException", "secret of workspace default")]


def test_a_slow_ledger_counts_the_users_that_it_cost(
    deployed: Stage,
    simulator: Simulator,
    event: Load,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When counting a redelivered part's attempt outlasts its grant, the users are counted, and it is served."""
    quota = Quota(send_spread=3.0, guard=4.0)
    with_quota(deployed, quota, monkeypatch)
    slow = [quota.send_spread]
    on_requests_to_aws("before-call.dynamodb.TransactWriteItems", lambda **_: time.sleep(slow.pop()) if slow else None)
    received = event("on_queue/parts.json")
    received["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert on_queue.handler(received, context) == {"batchItemFailures": []}
    assert counted(capsys.readouterr().out) == {"UsersGrantedUnused": 2.0}
    assert simulator.counters().calls == 1
