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

KEYS_PER_BATCH = 100  # keys that one BatchGetItem takes
MAX_BATCH_ATTEMPTS = 8  # a batch may be answered in parts; eight requests with growing pauses take over 10 s
Item = dict[str, Any]  # in DynamoDB's typed JSON
ACTIONS_LIMIT = 100  # of one transaction
MAX_ATTEMPTS = 10  # pauses double from 20 ms, over 5 s in all: two writers of one item meet for milliseconds
CONFLICT_CODES = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}


class ConditionsFailed(Exception):
    """Nothing was written: the conditions of the actions at `indexes` failed."""

    def __init__(self, indexes: Sequence[int]) -> None:
        super().__init__(f"conditions {list(indexes)} of a transaction failed")
        self.indexes = tuple(indexes)


class Transactions:
    """Writes of several items, all or none."""

    def __init__(self, client: DynamoDBClient, sleep: Sleep) -> None:
        self._client = client
        self._sleep = sleep

    def write(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Write all of 1 to 100 actions. Raises `ConditionsFailed`, or `AwsUnavailable` when conflicts do not pass."""
        items: list[TransactWriteItemTypeDef] = [{**action} for action in actions]  # type: ignore[typeddict-item]  # one of four kinds
        token = uuid4().hex  # of all attempts: one that took effect though its response was lost is not repeated
        for attempt in range(MAX_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except self._client.exceptions.TransactionCanceledException as failure:
                codes = [reason.get("Code") for reason in failure.response.get("CancellationReasons", [])]
                failed = [index for index, code in enumerate(codes) if code == "ConditionalCheckFailed"]
                if failed:
                    raise ConditionsFailed(failed) from None
                if not CONFLICT_CODES & set(codes):
                    raise
            except self._client.exceptions.TransactionInProgressException:
                pass
            else:
                return
            self._pause(attempt)
        raise AwsUnavailable(f"a transaction met conflicts {MAX_ATTEMPTS} times")

    def update_item(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Update one item outside of transactions. Return what it changed, None when the condition failed.

        Raises `AwsUnavailable` when transactions that hold the item do not pass.
        """
        for attempt in range(MAX_ATTEMPTS):
            try:
                return dict(self._client.update_item(**request, ReturnValues="UPDATED_NEW")["Attributes"])
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
            except self._client.exceptions.TransactionConflictException:
                self._pause(attempt)
        raise AwsUnavailable(f"an update met transactions {MAX_ATTEMPTS} times")

    def _pause(self, attempt: int) -> None:
        self._sleep(random.uniform(0.5, 1.0) * 0.02 * 2**attempt)  # noqa: S311 - jitter


def get_any(client: DynamoDBClient, table: str, keys: Sequence[Item], *, sleep: Sleep) -> list[Item]:
    """Read as `batch_get` does; a key alone by GetItem, which is answered sooner and never left unanswered."""
    if len(keys) != 1:
        return batch_get(client, table, keys, sleep=sleep)
    answer = client.get_item(TableName=table, Key=dict(keys[0]))
    return [dict(answer["Item"])] if "Item" in answer else []


def batch_get(
    client: DynamoDBClient, table: str, keys: Sequence[Item], *, sleep: Sleep, consistent: bool = False
) -> list[Item]:
    """Read the items of distinct keys, those that exist. Raises `AwsUnavailable` when some stay unanswered."""
    return [
        item
        for start in range(0, len(keys), KEYS_PER_BATCH)
        for item in _one_batch(client, table, keys[start : start + KEYS_PER_BATCH], sleep=sleep, consistent=consistent)
    ]


def _one_batch(
    client: DynamoDBClient, table: str, keys: Sequence[Item], *, sleep: Sleep, consistent: bool
) -> list[Item]:
    items: list[Item] = []
    missing = list(keys)
    for attempt in range(MAX_BATCH_ATTEMPTS):
        answer = client.batch_get_item(RequestItems={table: {"Keys": missing, "ConsistentRead": consistent}})
        items += [dict(item) for item in answer["Responses"].get(table, [])]
        unanswered = answer.get("UnprocessedKeys", {})
        missing = [dict(key) for key in unanswered[table]["Keys"]] if table in unanswered else []
        if not missing:
            return items
        sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - jitter
    raise AwsUnavailable(f"DynamoDB left {len(missing)} keys of a batch read unanswered")
