"""DynamoDB throttled, failing or silent: the gate refuses, and never grants."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lookup.errors import RetryLater, VendorThrottled
from lookup.gate.limiter import GateEvent, gate_client
from lookup.model import Lane
from tests.lookup.gate.faulty_dynamodb import Stage

ON_DEMAND = Lane.ON_DEMAND
FAULTS = [
    "400 ProvisionedThroughputExceededException",
    "400 ThrottlingException",
    "500 InternalServerError",
    "503 Down",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_dynamodb_refuses(stage: Stage, fault: str) -> None:
    """While DynamoDB throttles or fails nothing is granted: three tries, with growing pauses, then `RetryLater`."""
    stage.fault = fault
    with pytest.raises(RetryLater, match="unanswered") as refusal:
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now + 20)
    assert refusal.value.retry_at > stage.now
    assert len(stage.slept) == 2
    assert stage.slept[0] < 2 * stage.slept[1]
    assert (stage.granted(), stage.count(GateEvent.GRANTED)) == (0, 0)


def test_gate_recovers_when_dynamodb_does(stage: Stage) -> None:
    """After an error of DynamoDB's the next request is granted as usual."""
    stage.fault = FAULTS[0]
    with pytest.raises(RetryLater):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    stage.fault = None
    assert stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now).users == 20


def test_lost_reply_is_charged_not_repeated(stage: Stage) -> None:
    """An update that happened but whose reply is lost is charged, once, and gives no grant."""
    stage.fault = "reply lost"
    with pytest.raises(RetryLater, match="unanswered"):
        stage.gate.admit(7, lane=ON_DEMAND, wait_until=stage.now)
    assert stage.granted() == 7


def test_client_makes_one_attempt(aws: boto3.Session) -> None:
    """The gate's client times out after a second and never repeats: a repeated charge would be a second charge."""
    config: Any = gate_client(aws).meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.0, 1.0)
    assert config.retries["total_max_attempts"] == 1


def test_defects_are_not_taken_for_waiting(stage: Stage) -> None:
    """A missing table or right is an error of ours, not a reason to wait."""
    stage.fault = "400 ResourceNotFoundException"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)


def test_report_never_raises(stage: Stage) -> None:
    """A report that cannot be written is counted and forgotten: the caller has its answer from the vendor."""
    grant = stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)
    for stage.fault in (*FAULTS, "400 AccessDeniedException", "reply lost"):
        stage.gate.report(grant, VendorThrottled("throttled", retry_at=None))
    assert stage.count(GateEvent.REPORT_LOST) == len(FAULTS) + 2
    stage.fault = None
    assert stage.gate.state().closed_reason == "throttled"
