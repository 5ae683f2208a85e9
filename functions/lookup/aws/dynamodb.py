"""DynamoDB: complete batch reads, and transactions that retry conflicts and name their failed conditions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lookup.errors import AwsUnavailable
from lookup.model import Sleep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

READ_AT_ONCE = 100  # keys that one BatchGetItem takes
ROUNDS = 8  # a batch read may be answered in parts; eight with growing pauses are over 10 s
Item = dict[str, Any]  # in DynamoDB's typed JSON
ACTIONS_LIMIT = 100  # what one transaction takes
TRIES = 10  # with pauses that double from 20 ms these are over 5 s: two writers of one item meet for milliseconds
PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}


class ConditionsFailed(Exception):
    """Nothing was written: the actions at `indexes` found other than they required."""

    def __init__(self, indexes: Sequence[int]) -> None:
        super().__init__(f"conditions {list(indexes)} of a transaction failed")
        self.indexes = tuple(indexes)


class Transactions:
    """Writes several items or none."""

    def __init__(self, client: DynamoDBClient, sleep: Sleep) -> None:
        self._client = client
        self._sleep = sleep

    def write(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Write all of 1 to 100 actions. Raises `ConditionsFailed`, or `AwsUnavailable` when conflicts do not pass."""
        items: list[TransactWriteItemTypeDef] = [{**action} for action in actions]  # type: ignore[typeddict-item]  # one of four kinds
        token = uuid4().hex  # of all tries: one that was written although its answer was lost is not written again
        for turn in range(TRIES):
            try:
                self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except self._client.exceptions.TransactionCanceledException as failure:
                codes = [reason.get("Code") for reason in failure.response.get("CancellationReasons", [])]
                failed = [index for index, code in enumerate(codes) if code == "ConditionalCheckFailed"]
                if failed:
                    raise ConditionsFailed(failed) from None
                if not PASSING & set(codes):
                    raise
            except self._client.exceptions.TransactionInProgressException:
                pass
            else:
                return
            self._pause(turn)
        raise AwsUnavailable(f"a transaction met conflicts {TRIES} times")

    def update_alone(self, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
        """Update one item outside of transactions; give what it changed, None when the condition failed.

        Raises `AwsUnavailable` when transactions that hold the item do not pass.
        """
        for turn in range(TRIES):
            try:
                return dict(self._client.update_item(**wanted, ReturnValues="UPDATED_NEW")["Attributes"])
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
            except self._client.exceptions.TransactionConflictException:
                self._pause(turn)
        raise AwsUnavailable(f"an update met transactions {TRIES} times")

    def _pause(self, turn: int) -> None:
        self._sleep(random.uniform(0.5, 1.0) * 0.02 * 2**turn)  # noqa: S311 - jitter


def batch_get(
    client: DynamoDBClient, table: str, keys: Sequence[Item], *, sleep: Sleep, consistent: bool = False
) -> list[Item]:
    """Read the items of distinct keys, those that exist. Raises `AwsUnavailable` when some stay unanswered."""
    return [
        item
        for start in range(0, len(keys), READ_AT_ONCE)
        for item in _one_batch(client, table, keys[start : start + READ_AT_ONCE], sleep=sleep, consistent=consistent)
    ]


def _one_batch(
    client: DynamoDBClient, table: str, keys: Sequence[Item], *, sleep: Sleep, consistent: bool
) -> list[Item]:
    items: list[Item] = []
    wanted = list(keys)
    for turn in range(ROUNDS):
        answer = client.batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": consistent}})
        items += [dict(item) for item in answer["Responses"].get(table, [])]
        unanswered = answer.get("UnprocessedKeys", {})
        wanted = [dict(key) for key in unanswered[table]["Keys"]] if table in unanswered else []
        if not wanted:
            return items
        sleep(random.uniform(0, 0.1 * 2**turn))  # noqa: S311 - jitter
    raise AwsUnavailable(f"DynamoDB left {len(wanted)} keys of a batch read unanswered")
