"""SQS fails in the middle of a batch: messages whose request failed return, and the neighbours are served."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import on_queue
from infra.local.simulator.process import Fault, Simulator
from lookup.bulk import part_message
from lookup.bulk.intake.message import parse_intake_message
from lookup.ledger.parts import ATTEMPT_LIMIT, PartLedger
from lookup.ledger.table import LedgerTable
from tests.handlers.conftest import on_requests_to_aws
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]


def lose(operation: str) -> Callable[[], None]:
    """Make every request of an operation of SQS time out, until the returned function is called."""
    lasts = [True]

    def lost(**_: object) -> None:
        if lasts:
            raise ReadTimeoutError(endpoint_url="https://sqs")

    on_requests_to_aws(f"before-call.sqs.{operation}", lost)  # outside botocore's retries, which would sleep
    return lasts.clear


def given_up(deployed: Stage, received: dict[str, Any]) -> dict[str, Any]:
    """Return a delivery of one message that was tried five times without an answer."""
    table = LedgerTable(deployed.dynamodb, deployed.settings.ledger_table_name, clock=time.time, sleep=time.sleep)
    record = received["Records"][0]
    record["attributes"]["ApproximateReceiveCount"] = "6"
    if record["eventSourceARN"].endswith(":parts"):
        part = part_message.parse_part(record["body"])
    else:
        part = parse_intake_message(
            record["body"],
            message_id=record["messageId"],
            sent_at=int(record["attributes"]["SentTimestamp"]) / 1000,
            default_workspace="default",
        )
    PartLedger(table).add_attempts([part], ATTEMPT_LIMIT)
    return {"Records": [record]}


def served(deployed: Stage) -> int:
    return int(deployed.dynamodb.scan(TableName=deployed.settings.profiles_table_name)["Count"])


def test_a_message_that_cannot_be_dead_lettered_returns(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """Only the unreadable message is returned, its neighbours are served; later it is dead-lettered."""
    received = event("on_queue/intake.json")
    (unreadable,) = (one["messageId"] for one in received["Records"] if one["body"] == "{not json")
    lose("SendMessage")
    assert on_queue.handler(received, context) == {"batchItemFailures": [{"itemIdentifier": unreadable}]}
    assert served(deployed) == 4
    assert deployed.messages(deployed.settings.intake_dead_letter_queue_url) == []


@pytest.mark.parametrize("name", ["intake", "parts"])
def test_what_got_no_answer_is_dead_lettered_in_the_end(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, name: str
) -> None:
    """A message that failed is given back until it is on its dead-letter queue, recorded already or not."""
    received = given_up(deployed, event(f"on_queue/{name}.json"))
    returned = {"batchItemFailures": [{"itemIdentifier": received["Records"][0]["messageId"]}]}
    find = lose("SendMessage")
    assert [on_queue.handler(received, context) for _ in range(2)] == [returned] * 2
    assert len(deployed.keys("parts/")) == 1
    find()
    assert on_queue.handler(received, context) == {"batchItemFailures": []}
    (letter,) = deployed.messages(getattr(deployed.settings, f"{name}_dead_letter_queue_url"))
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "no_answer"
    assert simulator.counters().calls == 0


@pytest.mark.parametrize("status", [403, 503])
def test_a_message_whose_return_cannot_be_put_off(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, status: int
) -> None:
    """What has to wait is given back although SQS does not hear for how long; the batch does not fail."""
    lose("ChangeMessageVisibility")
    simulator.set_faults(Fault(status=status))
    received = event("on_queue/parts.json")
    context.remaining_seconds = 10.3  # no time to wait out the errors
    failed = on_queue.handler(received, context)["batchItemFailures"]
    assert failed == [{"itemIdentifier": received["Records"][0]["messageId"]}]
