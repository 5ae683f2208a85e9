"""What is known of lookups and their parts; holds no profile data.

Attempts: how often a part's call to MoEngage left without bringing an answer back. Waiting for quota is not one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup.model import Clock, Part

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

ATTEMPT_LIMIT = 5
KEPT_SECONDS = 15 * 24 * 3600  # a day longer than a queue keeps a message


class Ledger:
    """The table of lookups, parts and counters: keys `pk` and `sk`."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock

    def attempts(self, part: Part) -> int:
        """Tell how many attempts at a part brought no answer."""
        item = self._client.get_item(TableName=self._table, Key=_key(part), ConsistentRead=True).get("Item", {})
        return int(item["attempts"]["N"]) if "attempts" in item else 0

    def add_attempts(self, part: Part, number: int) -> None:
        """Count an attempt (1) just before the vendor is asked, or take it back (-1) once it answered."""
        self._client.update_item(
            TableName=self._table,
            Key=_key(part),
            UpdateExpression="SET expires_at = :expires ADD attempts :number",
            ExpressionAttributeValues={
                ":expires": {"N": str(int(self._clock()) + KEPT_SECONDS)},
                ":number": {"N": str(number)},
            },
        )


def _key(part: Part) -> dict[str, UniversalAttributeValueTypeDef]:
    return {"pk": {"S": f"lookup#{part.lookup_id}"}, "sk": {"S": f"attempts#{part.number}"}}
