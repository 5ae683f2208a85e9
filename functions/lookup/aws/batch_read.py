"""DynamoDB's BatchGetItem to the end: what it leaves unanswered is asked for again, with bounds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lookup.errors import AwsUnavailable
from lookup.model import Sleep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_AT_ONCE = 100  # keys that one BatchGetItem takes
ROUNDS = 8  # a batch read may be answered in parts; eight with growing pauses are over 10 s
Item = dict[str, Any]  # in DynamoDB's typed JSON


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
