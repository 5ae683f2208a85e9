"""A gate over the embedded AWS, in virtual time, whose requests to DynamoDB meet faults on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from lookup.gate.item import key
from lookup.gate.limiter import GateEvent, Observation, WorkspaceGates
from lookup.settings import Workspace
from tests.aws_answers import dynamodb_error
from tests.lookup.gate.ledger import LEDGER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


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
        gates = WorkspaceGates(
            self.client, LEDGER, {"default": Workspace("s")}, self._clock, self._sleep, observe=self.seen.append
        )
        self.gate = gates.of("default")

    def granted(self) -> int:
        return int(self.client.get_item(TableName=LEDGER, Key=key("default"))["Item"]["g"]["N"])

    def count(self, what: GateEvent) -> int:
        return sum(seen.event is what for seen in self.seen)

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
        return self._dated(dynamodb_error(request.url, int(status), code))

    def _dated(self, response: AWSResponse) -> AWSResponse:
        """Send the test's time as the server's `Date`."""
        response.headers["Date"] = formatdate(self.now, usegmt=True)
        return response
