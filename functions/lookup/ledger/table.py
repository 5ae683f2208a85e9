"""Reads and conditional writes of the ledger's table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from lookup.aws.dynamodb import ConditionsFailed, Transactions, batch_get
from lookup.ledger.items import Item, serialize
from lookup.ledger.model import Reservation
from lookup.model import Clock, Sleep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = re.compile(r"#\w+")


class LedgerTable:
    """Reads are strongly consistent; writes are transactions whose conditions may fail."""

    def __init__(self, client: DynamoDBClient, table_name: str, *, clock: Clock, sleep: Sleep) -> None:
        self.name = table_name
        self.clock = clock
        self._client = client
        self._sleep = sleep
        self._transactions = Transactions(client, sleep)

    def read(self, keys: Sequence[Item]) -> list[Item]:
        """Read items by their keys, those that exist. Raises `AwsUnavailable` when keys stay unanswered."""
        return batch_get(self._client, self.name, keys, sleep=self._sleep, consistent=True)

    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        before: str = "",
        after: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        """Read a partition's items whose sort key starts with `prefix` and comes after `after` in reading order.

        Instead of a prefix, `before` names the sort key that they come before.
        """
        items = self.pages(partition, prefix=prefix, before=before, after=after, newest_first=newest_first, limit=limit)
        return list(islice(items, limit))

    def pages(
        self,
        partition: str,
        *,
        prefix: str = "",
        before: str = "",
        after: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Read as `query` does, page by page; `limit` is the size of a page."""
        range_of = " AND begins_with(sk, :prefix)" if prefix else " AND sk < :before" if before else ""
        values = {":pk": partition, ":prefix": prefix or None, ":before": before or None}
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            "KeyConditionExpression": f"pk = :pk{range_of}",
            "ExpressionAttributeValues": serialize(values),
        }
        if after:
            request["ExclusiveStartKey"] = serialize({"pk": partition, "sk": after})
        if limit:
            request["Limit"] = limit
        while True:
            page = self._client.query(**request)
            yield from (dict(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def write(self, *actions: Mapping[str, Any]) -> None:
        """Write all or nothing. Raises `ConditionsFailed`."""
        self._transactions.write(actions)

    def try_write(self, *actions: Mapping[str, Any]) -> bool:
        """Write all or nothing. Return whether the conditions held."""
        try:
            self.write(*actions)
        except ConditionsFailed:
            return False
        return True

    def try_write_with(self, actions: Sequence[Mapping[str, Any]], reservations: Sequence[Reservation]) -> bool:
        """Write actions and reservations, all or nothing; return whether the conditions of the actions held.

        Raises the refusal of the first reservation whose condition failed, if those of all actions held.
        """
        try:
            self.write(*actions, *(one.action for one in reservations))
        except ConditionsFailed as failed:
            refused = min(failed.indexes) - len(actions)
            if refused < 0:
                return False
            raise reservations[refused].refusal() from None
        return True

    def update_item(
        self, key: Item, expression: str, values: Mapping[str, object], *, condition: str | None = None
    ) -> Item | None:
        """Update one item outside of a transaction. Return what it changed, None when the condition failed."""
        return self._transactions.update_item(self.update(key, expression, values, condition=condition)["Update"])

    def put(self, item: Item, *, absent: bool = False) -> dict[str, Any]:
        """Return the action that puts an item, with `absent` only where there is none."""
        condition = {"ConditionExpression": "attribute_not_exists(pk)"} if absent else {}
        return {"Put": {"TableName": self.name, "Item": item, **condition}}

    def check(self, key: Item, condition: str, values: Mapping[str, object]) -> dict[str, Any]:
        """Return the action that requires a condition of an item."""
        check: dict[str, Any] = {
            "TableName": self.name,
            "Key": key,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {name: name[1:] for name in NAME.findall(condition)},
        }
        if values:
            check["ExpressionAttributeValues"] = serialize({f":{name}": value for name, value in values.items()})
        return {"ConditionCheck": check}

    def delete(self, key: Item) -> dict[str, Any]:
        """Return the action that deletes an item, if it exists."""
        return {"Delete": {"TableName": self.name, "Key": key}}

    def update(
        self, key: Item, expression: str, values: Mapping[str, object], *, condition: str | None = None
    ) -> dict[str, Any]:
        """Return the action that updates an item; `values` are named without the colon.

        Attributes are written `#name` throughout, because DynamoDB reserves many words.
        """
        update: dict[str, Any] = {
            "TableName": self.name,
            "Key": key,
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {name: name[1:] for name in NAME.findall(f"{expression} {condition}")},
            "ExpressionAttributeValues": serialize({f":{name}": value for name, value in values.items()}),
        }
        if condition:
            update["ConditionExpression"] = condition
        return {"Update": update}
