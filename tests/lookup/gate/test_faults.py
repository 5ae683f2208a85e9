"""DynamoDB throttled, failing or silent, and clocks that are off: the gate refuses, and never lets through."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from lookup.errors import NotNow, Throttled
from lookup.gate import Gates, Observation, Seen, gate_client
from lookup.gate_item import key
from lookup.model import Lane
from lookup.settings import Workspace
from tests.lookup.gate.ledger import LEDGER, create_ledger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ON_DEMAND = Lane.ON_DEMAND


class Body(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


@dataclass
class Stage:
    """A gate over the embedded AWS whose next update meets `fault`, and a clock that is `offset` off the server's."""

    client: DynamoDBClient
    offset: float = 0.0
    now: float = 0.0
    fault: str | None = None
    slept: list[float] = field(default_factory=list)
    seen: list[Observation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.meta.events.register("before-send.dynamodb", self._before_send)  # type: ignore[arg-type]  # an answer is allowed
        gates = Gates(
            self.client, LEDGER, {"default": Workspace("s")}, self._clock, self._sleep, observe=self.seen.append
        )
        self.gate = gates.of("default")

    def granted(self) -> int:
        return int(self.client.get_item(TableName=LEDGER, Key=key("default"))["Item"]["g"]["N"])

    def count(self, what: Seen) -> int:
        return sum(seen.what is what for seen in self.seen)

    def _clock(self) -> float:
        return self.now + self.offset

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def _before_send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if b"GetItem" in request.headers["X-Amz-Target"] or self.fault is None:
            return self._dated(URLLib3Session().send(request))
        if self.fault == "reply lost":
            URLLib3Session().send(request).content  # noqa: B018 - the server has applied it
            raise ReadTimeoutError(endpoint_url=request.url)
        status, code = self.fault.split(" ")
        body = Body(json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode())
        response = AWSResponse(request.url, int(status), HTTPHeaders(), body)
        return self._dated(response)

    def _dated(self, response: AWSResponse) -> AWSResponse:
        """Let the server live in the test's time."""
        response.headers["Date"] = formatdate(self.now, usegmt=True)
        return response


@pytest.fixture
def stage(aws: boto3.Session) -> Stage:
    create_ledger(aws)
    stage = Stage(gate_client(aws), now=1_800_000_000.5)
    stage.gate.state()
    return stage


FAULTS = [
    "400 ProvisionedThroughputExceededException",
    "400 ThrottlingException",
    "500 InternalServerError",
    "503 Down",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_dynamodb_refuses(stage: Stage, fault: str) -> None:
    """Throttled or failing, DynamoDB lets nobody through; three tries, with growing pauses, then `NotNow`."""
    stage.fault = fault
    with pytest.raises(NotNow, match="unanswered") as refusal:
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now + 20)
    assert refusal.value.retry_at > stage.now
    assert len(stage.slept) == 2
    assert stage.slept[0] < 2 * stage.slept[1]
    assert (stage.granted(), stage.count(Seen.GRANTED)) == (0, 0)


def test_gate_recovers_when_dynamodb_does(stage: Stage) -> None:
    """After a fault the next request is let through as if nothing had been."""
    stage.fault = FAULTS[0]
    with pytest.raises(NotNow):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    stage.fault = None
    assert stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now).users == 20


def test_lost_reply_is_charged_not_repeated(stage: Stage) -> None:
    """An update that happened but whose reply is lost is charged, once, and gives no grant."""
    stage.fault = "reply lost"
    with pytest.raises(NotNow, match="unanswered"):
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
        stage.gate.report(grant, Throttled("throttled", retry_at=None))
    assert stage.count(Seen.REPORT_LOST) == len(FAULTS) + 2
    stage.fault = None
    assert stage.gate.state().closed_reason == "throttled"


@pytest.mark.parametrize("offset", [2.1, -2.1, 3600.0, -3600.0])
def test_clock_that_is_off_does_not_ask(stage: Stage, offset: float) -> None:
    """A caller whose clock jumped charges one grant, finds out from the answer, does not use it and asks no more."""
    stage.gate.admit(1, lane=ON_DEMAND, wait_until=stage.now)
    stage.offset = offset
    for _ in range(3):
        with pytest.raises(NotNow) as refusal:
            stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now + offset)
        assert refusal.value.reason in {"late", "clock"}
    assert stage.granted() == 6
    assert stage.count(Seen.UNUSED) == 1


def test_new_process_with_a_clock_that_is_off_never_charges(stage: Stage, aws: boto3.Session) -> None:
    """A process whose clock is off from the start learns it from its first read, before any charge."""
    other = Stage(gate_client(aws), offset=-2.1, now=stage.now)
    with pytest.raises(NotNow, match="clock"):
        other.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now)
    assert stage.granted() == 0


def test_mended_clock_asks_again(stage: Stage) -> None:
    """A caller whose clock was found off looks again before it asks, and goes on when it is right."""
    stage.offset = 3.0
    with pytest.raises(NotNow):
        stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now)
    stage.offset = 0.0
    assert stage.gate.admit(5, lane=ON_DEMAND, wait_until=stage.now + 20).users == 5
    assert stage.granted() == 10


def test_jumped_clocks_do_no_lasting_harm(stage: Stage) -> None:
    """Marks that a clock an hour off left behind neither block the others nor free what is in use."""
    for offset in (3600.0, -3600.0):
        stage.offset = 0.0
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
        stage.offset = offset
        with pytest.raises(NotNow):
            stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now + offset)
    assert stage.count(Seen.UNUSED) == 2
    stage.offset = 0.0
    stage.now += 10
    for _ in range(46):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    assert stage.granted() == 1000
    with pytest.raises(NotNow, match="quota"):
        stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now)
    stage.now += 62
    assert stage.gate.admit(20, lane=ON_DEMAND, wait_until=stage.now).users == 20
