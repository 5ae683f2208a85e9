"""The road to the gate's item: one request, one attempt, and what its answer says about our own clock.

A request that fails may or may not have changed the item: `Unanswered` says so, and nobody repeats it as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lookup.gate_item import Request, creation, key, read_copy
from lookup.gate_window import Copy
from lookup.model import Clock

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_dynamodb.client import DynamoDBClient

TIMEOUT = 1.0  # seconds: an answer later than this would be too late to use
CLOCK_TOLERANCE = 1.5  # seconds between our clock and the answer's, whose `Date` has whole seconds
REFUSED_BY_CONDITION = "ConditionalCheckFailedException"
# Ours or the operator's to mend; every other error may pass by itself.
DEFECTS = frozenset({"AccessDeniedException", "ResourceNotFoundException", "ValidationException"})


class Unanswered(Exception):
    """DynamoDB was throttled, failed, or its answer was lost: what was asked may have happened or not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an update met: `done`, and the item as it was (refused) or is now (done); None when there is no item."""

    done: bool
    copy: Copy | None


def gate_client(session: boto3.Session) -> DynamoDBClient:
    """Make the gate's own client: short timeouts and one attempt, because a repeated charge is a second charge."""
    config = Config(
        connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
    return session.client("dynamodb", config=config)


class GateTable:
    """One workspace's gate item in the ledger's table. Every method raises `Unanswered`."""

    def __init__(self, client: DynamoDBClient, table_name: str, workspace: str, clock: Clock) -> None:
        self._client = client
        self._table_name = table_name
        self.workspace = workspace
        self._clock = clock
        self.clock_offset = 0.0
        self.looked_at = 0.0

    @property
    def clock_is_off(self) -> bool:
        """Whether our clock was off at the last answer, by its `Date`."""
        return abs(self.clock_offset) > CLOCK_TOLERANCE

    def read(self) -> Copy | None:
        """Read the item as it surely is; None when there is none."""
        answer = self._send(self._client.get_item, {"Key": key(self.workspace), "ConsistentRead": True})
        return read_copy(answer["Item"]) if "Item" in answer else None

    def create(self) -> None:
        """Create the item unless somebody else has."""
        self._send(self._client.put_item, creation(self.workspace, self._clock()))

    def update(self, request: Request) -> Answer:
        """Change the item if the request's condition holds; either way get it as it is."""
        returns = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        answer = self._send(self._client.update_item, {"Key": key(self.workspace), **request, **returns})
        if "Attributes" in answer:
            return Answer(done=True, copy=read_copy(answer["Attributes"]))
        return Answer(done=False, copy=read_copy(answer["Item"]) if "Item" in answer else None)

    def _send(self, call: Callable[..., Any], request: Request) -> Any:  # noqa: ANN401 - three shapes of one API
        asked_at = self._clock()
        try:
            answer = call(TableName=self._table_name, **request)
        except ClientError as error:
            self._look_at_clock(error.response, asked_at)
            code = error.response["Error"]["Code"]
            if code in DEFECTS:
                raise
            if code != REFUSED_BY_CONDITION:
                raise Unanswered(code) from error
            return error.response
        except (BotoCoreError, ResponseParserError) as error:
            raise Unanswered(type(error).__name__) from error
        self._look_at_clock(answer, asked_at)
        return answer

    def _look_at_clock(self, answer: Any, asked_at: float) -> None:  # noqa: ANN401 - as `_send`
        """Compare the middle of our round trip with the middle of the answer's second."""
        self.looked_at = self._clock()
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date is None:
            return
        self.clock_offset = (asked_at + self.looked_at) / 2 - (parsedate_to_datetime(date).timestamp() + 0.5)
