"""SQS lost in the middle of a batch: what it could not be told returns, and the neighbours are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import on_queue
from infra.local.simulator.process import Fault, Simulator
from lookup.clients import session
from tests.doors.conftest import LambdaContext
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]


def lose(operation: str) -> None:
    """Let every request of an operation of SQS end in a timeout."""

    def lost(**_: object) -> None:
        raise ReadTimeoutError(endpoint_url="https://sqs")

    session().events.register(f"before-call.sqs.{operation}", lost)  # outside botocore's retries, which would sleep


def served(deployed: Stage) -> int:
    return int(deployed.dynamodb.scan(TableName=deployed.settings.profiles_table_name)["Count"])


def test_a_message_that_cannot_be_laid_aside_returns(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """Only the unreadable message is given back, its neighbours are answered; later it is laid aside."""
    received = event("on_queue/intake.json")
    (unreadable,) = (one["messageId"] for one in received["Records"] if one["body"] == "{not json")
    lose("SendMessage")
    assert on_queue.handler(received, context) == {"batchItemFailures": [{"itemIdentifier": unreadable}]}
    assert served(deployed) == 4
    assert deployed.messages(deployed.settings.intake_dead_letter_queue_url) == []


@pytest.mark.parametrize("status", [403, 503])
def test_a_message_whose_return_cannot_be_put_off(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, status: int
) -> None:
    """What has to wait is given back although SQS does not hear for how long; the batch does not fail."""
    lose("ChangeMessageVisibility")
    simulator.set_faults(Fault(status=status))
    received = event("on_queue/parts.json")
    context.remaining_seconds = 10.3  # no time to wait out the trouble
    failed = on_queue.handler(received, context)["batchItemFailures"]
    assert failed == [{"itemIdentifier": received["Records"][0]["messageId"]}]
