"""What the stores hold, read back as an analyst would: gzip NDJSON in S3, items in DynamoDB."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.stage.stage import Stage
from lookup.model import Counts, Status

PARTS = "parts/"  # what workers write
User = tuple[str, str]  # identifier type, identifier


@dataclass
class Tally:
    """Counts of one handler as its results arrive. Each identifier of each part counts once."""

    requested: int = 0
    outcomes: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    found: set[User] = field(default_factory=set)

    def add(self, record: dict[str, Any]) -> None:
        """Count one record of a result object, or one outcome of an answer."""
        status = Status(record["outcome"])
        self.outcomes[status] += 1
        if status is Status.FOUND:
            self.found.add((record["identifier_type"], record["identifier"]))

    @property
    def answered(self) -> int:
        """How many identifiers have an outcome."""
        return sum(self.outcomes.values())

    @property
    def balanced(self) -> bool:
        """Whether every requested identifier has exactly one outcome."""
        return self.requested == self.answered

    @property
    def counts(self) -> Counts:
        """The counts so far; they are balanced at the end."""
        return Counts(self.requested, **{status.value: number for status, number in self.outcomes.items()})


class ResultObjects:
    """The result objects of a stage; each is read once."""

    def __init__(self, stage: Stage) -> None:
        self._s3 = stage.clients.s3
        self._bucket = stage.bucket
        self._read: set[str] = set()

    def keys(self) -> list[str]:
        """Return the keys of all result objects."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PARTS)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def new_records(self, lookup: str) -> Iterator[dict[str, Any]]:
        """Return the records of all objects not read before whose lookup's id begins with `lookup`."""
        for key in self.keys():
            if key not in self._read and key.rpartition("/")[2].startswith(lookup):
                self._read.add(key)
                body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                yield from (json.loads(line) for line in gzip.decompress(body).splitlines())


def stored_users(stage: Stage) -> set[User]:
    """Return whose profiles the table holds; remembered misses are not profiles."""
    pages = stage.clients.dynamodb.get_paginator("scan").paginate(
        TableName=stage.outputs["ProfilesTableName"],
        ProjectionExpression="identifier, identifier_type",
        FilterExpression="#status = :found",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":found": {"S": "found"}},
    )
    items = (item for page in pages for item in page["Items"])
    return {(item["identifier_type"]["S"], item["identifier"]["S"]) for item in items}
