"""Keys: rotated without a gap, rejected, missing; whatever happens, work waits and goes on by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

import on_queue
import on_request
import on_schedule
from infra.local.simulator.process import Fault, Simulator
from tests.lambda_context import LambdaContext
from tests.lookup.stage import SECRET, SECRET_ID, Stage

Load = Callable[[str], dict[str, Any]]


def put(deployed: Stage, **changed: str) -> None:
    """Put other values into the secret."""
    deployed.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=json.dumps(SECRET | changed))


def response_of(event: Load, context: LambdaContext) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Request one profile, whatever is stored."""
    now = {"rawQueryString": "max_age=0", "queryStringParameters": {"max_age": "0"}}
    answer = on_request.handler(event("on_request/get_profile.json") | now, context)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def tick(event: Load, context: LambdaContext) -> None:
    on_schedule.handler(event("on_schedule/tick.json"), context)
    for handler in (on_queue, on_request):  # they look at a closed gate again a while later
        handler.services().gates.of("default").state()


def statuses(simulator: Simulator) -> list[int]:
    return [arrival.status for arrival in simulator.arrivals()]


def test_a_rotated_key_leaves_no_gap(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the new key in the secret, the request that meets the 401 is answered; one rejection is counted."""
    assert response_of(event, context)[0] == 200
    simulator.rotate_key("new-key")
    put(deployed, data_api_key="new-key")
    capsys.readouterr()
    assert [response_of(event, context)[0] for _ in range(2)] == [200, 200]
    assert statuses(simulator) == [200, 401, 200, 200]
    assert capsys.readouterr().out.count('"KeysRejected":[1.0]') == 1
    assert on_schedule.services().gates.of("default").state().closed_until is None


def test_a_rejected_key_closes_and_a_new_one_opens(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """With the old key in the secret everybody waits; when it changes, the next minute's tick lets a probe through."""
    # The probe's own 401, by an instance that still holds the old key, costs the others no lease.
    assert response_of(event, context)[0] == 200
    simulator.rotate_key("new-key")
    status, problem, headers = response_of(event, context)
    assert (status, problem["type"].rpartition(":")[2]) == (503, "closed")
    assert 600 < int(headers["Retry-After"]) <= 900
    parts = event("on_queue/parts.json")
    failed = on_queue.handler(parts, context)["batchItemFailures"]
    assert failed == [{"itemIdentifier": parts["Records"][0]["messageId"]}]
    calls = simulator.counters().calls
    put(deployed, data_api_key="new-key")
    assert response_of(event, context)[0] == 503
    assert simulator.counters().calls == calls
    tick(event, context)
    assert [response_of(event, context)[0] for _ in range(2)] == [200, 200]
    assert statuses(simulator)[calls:] == [401, 200, 200]
    assert on_queue.handler(parts, context) == {"batchItemFailures": []}


def test_an_unchanged_secret_is_tried_once(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """After a closing the tick tries the secret's version once; a version that was tried is not tried again."""
    simulator.rotate_key("new-key")
    for _ in range(3):
        assert response_of(event, context)[0] == 503
        tick(event, context)
    assert statuses(simulator) == [401, 401]
    put(deployed, data_api_key="still-wrong")
    tick(event, context)
    assert response_of(event, context)[0] == 503
    put(deployed, data_api_key="new-key")
    tick(event, context)
    assert response_of(event, context)[0] == 200


def test_other_closings_are_not_the_ticks_to_open(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """A gate that MoEngage's refusal closed stays closed, whatever the secret."""
    simulator.set_faults(Fault(status=403))
    assert response_of(event, context)[0] == 503
    put(deployed, data_api_key="another")
    tick(event, context)
    assert on_schedule.services().gates.of("default").state().is_blocked(time.time())


@pytest.mark.parametrize("value", [None, "{}"])
def test_without_a_secret_everybody_waits(
    deployed: Stage,
    simulator: Simulator,
    event: Load,
    context: LambdaContext,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    value: str | None,
) -> None:
    """A secret that is missing or malformed is a 503 and a message given back; it is said, and works once mended."""
    if value is None:
        deployed.secretsmanager.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    else:
        deployed.secretsmanager.put_secret_value(SecretId=SECRET_ID, SecretString=value)
    status, problem, headers = response_of(event, context)
    assert (status, problem["type"].rpartition(":")[2], headers["Retry-After"]) == (503, "not-configured", "300")
    parts = event("on_queue/parts.json")
    failed = on_queue.handler(parts, context)["batchItemFailures"]
    assert failed == [{"itemIdentifier": parts["Records"][0]["messageId"]}]
    tick(event, context)
    assert (simulator.counters().calls, deployed.keys("parts/")) == (0, [])
    assert caplog.messages.count("secret unreadable") == 2
    assert capsys.readouterr().out.count('"SecretsUnreadable":[1.0]') == 2
    if value is None:
        deployed.secretsmanager.create_secret(Name=SECRET_ID, SecretString=json.dumps(SECRET))
    else:
        put(deployed)
    assert on_queue.handler(parts, context) == {"batchItemFailures": []}
    assert response_of(event, context)[0] == 200
