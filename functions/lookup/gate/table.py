"""Access to the item of the gate: one request, one attempt, and what its response says about our own clock.

A request that fails may or may not have changed the item: `NoResponse` says so, and nobody repeats it as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lookup.gate.item import Item, Request, create_request, key, read_snapshot
from lookup.gate.server_time import ServerTime
from lookup.gate.window import Snapshot
from lookup.model import Clock
from lookup.quota import Quota

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from lookup.aws.session import ClientSession

TIMEOUT = 1.0  # seconds: a response later than this would be too late to use
CLOCK_TOLERANCE = 1.0  # seconds between our clock and the middle of the response's second, half a second each way
REFUSED_BY_CONDITION = "ConditionalCheckFailedException"
# Errors of this service or its deployment; every other error may be transient.
DEFECTS = frozenset({"AccessDeniedException", "ResourceNotFoundException", "ValidationException"})


def raw_clock() -> float:
    """Return the machine's clock that neither steps nor is slewed (seconds since some moment)."""
    return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)


class NoResponse(Exception):
    """DynamoDB throttled, failed, or its response was lost: whether the request took effect is not known."""


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """Whether an update was `done`, and the item: as it was when refused, as it is when done; None without an item."""

    done: bool
    copy: Snapshot | None


def gate_client(session: ClientSession) -> DynamoDBClient:
    """Return the gate's own client: short timeouts and one attempt, because a repeated update is a second grant."""
    config = Config(
        connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1}, tcp_keepalive=True
    )
    client: DynamoDBClient = session.client("dynamodb", config=config)
    return client


class GateTable:
    """One workspace's gate item in the ledger's table. Every method raises `NoResponse`."""

    def __init__(  # noqa: PLR0917 - a table, its item, and two clocks
        self,
        client: DynamoDBClient,
        table_name: str,
        workspace: str,
        quota: Quota,
        clock: Clock,
        steady: Clock = raw_clock,
    ) -> None:
        """`clock` is the wall clock, `steady` one that never steps."""
        self._client = client
        self._table_name = table_name
        self.workspace = workspace
        self._quota = quota
        self._clock = clock
        self._steady = steady
        self.time = ServerTime(quota.clock_skew, clock, steady)
        self._server_time = 0.0
        self.clock_offset = 0.0
        self.answered_at = 0.0

    @property
    def clock_is_off(self) -> bool:
        """Whether our clock was off at the last response, by its `Date`."""
        return abs(self.clock_offset) > CLOCK_TOLERANCE

    def read(self) -> Snapshot | None:
        """Read the item consistently; None when there is none."""
        answer = self._send(self._client.get_item, {"Key": key(self.workspace), "ConsistentRead": True})
        return self._copy_of(answer.get("Item"))

    def create(self) -> Snapshot:
        """Create the item, or return the one that another process has created."""
        request = create_request(self.workspace, self._clock())
        answer = self._send(self._client.put_item, {**request, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
        return read_snapshot(answer.get("Item", request["Item"]), self._quota, self._server_time)

    def update(self, request: Request) -> UpdateResult:
        """Update the item if the request's condition holds; return it either way."""
        returns = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        answer = self._send(self._client.update_item, {"Key": key(self.workspace), **request, **returns})
        done = "Attributes" in answer
        return UpdateResult(done, self._copy_of(answer.get("Attributes") if done else answer.get("Item")))

    def _copy_of(self, item: Item | None) -> Snapshot | None:
        return None if item is None else read_snapshot(item, self._quota, self._server_time)

    def _send(self, call: Callable[..., Any], request: Request) -> Any:  # noqa: ANN401 - three shapes of one API
        sent_at = self._clock(), self._steady()
        try:
            answer = call(TableName=self._table_name, **request)
        except ClientError as error:
            self._check_clock(error.response, sent_at)
            code = error.response["Error"]["Code"]
            if code in DEFECTS:
                raise
            if code != REFUSED_BY_CONDITION:
                raise NoResponse(code) from error
            return error.response
        except (BotoCoreError, ResponseParserError) as error:
            raise NoResponse(type(error).__name__) from error
        self._check_clock(answer, sent_at)
        return answer

    def _check_clock(self, answer: Any, sent_at: tuple[float, float]) -> None:  # noqa: ANN401 - as `_send`
        """Record how far the middle of the response's second lies outside our round trip, and learn the time by it."""
        self.answered_at = self._server_time = self._clock()
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date is None:
            return
        self._server_time = parsedate_to_datetime(date).timestamp()
        self.time.observe(sent_at[1], self._server_time)
        server_middle = self._server_time + 0.5
        self.clock_offset = max(sent_at[0] - server_middle, 0.0) + min(self.answered_at - server_middle, 0.0)
