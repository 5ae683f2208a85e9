"""Attributes that a DynamoDB map cannot hold exactly, stored in S3 by their owner and their content's fingerprint.

A key has one content for ever, so an older write cannot replace a newer one. The owner is a keyed hash: an erasure
finds all objects of a person by it, and two people never share one.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from lookup import exact_json
from lookup.aws.attribute_values import NUMBERS
from lookup.model import Attributes, Identifier, Json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BYTES_LIMIT = 350_000  # DynamoDB takes 400 KB an item, names and our own attributes included
DEPTH_LIMIT = 30  # DynamoDB takes 32 levels, of which the item and its `attributes` are two
NAME_BYTES = 65_535  # DynamoDB's limit for a name
MAGNITUDES = range(-130, 38)  # powers of ten: from DynamoDB's smallest to what 38 digits write out in full


def fits_item(attributes: Attributes, *, beside: Sequence[str] = ()) -> bool:
    """Return whether a DynamoDB map holds exactly these attributes, in one item with the names `beside`."""
    return _is_holdable(attributes, DEPTH_LIMIT) and _size(attributes) + _size(beside) <= BYTES_LIMIT


def _is_holdable(value: Json, levels: int) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _is_number(Decimal(value))
    if isinstance(value, Mapping):
        return all(map(_is_name, value)) and _is_holdable(list(value.values()), levels)
    if isinstance(value, Sequence):
        return levels > 0 and all(_is_holdable(one, levels - 1) for one in value)
    return True


def _size(value: Json) -> int:
    """Count bytes as DynamoDB does, never fewer: 3 for a list or map, 1 for each of its entries, half a digit's."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, int | Decimal):
        return 1 if isinstance(value, bool) else len(str(value)) // 2 + 3
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in value.items())
    return 1 if value is None else 3 + sum(1 + _size(one) for one in value)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _is_name(value: str) -> bool:
    return _is_text(value) and 1 <= len(value.encode()) <= NAME_BYTES


def _is_number(value: Decimal) -> bool:
    try:
        NUMBERS.create_decimal(value)
    except ArithmeticError:  # over 38 digits
        return False
    return value.adjusted() in MAGNITUDES


def owned_prefix(workspace: str, owner: str) -> str:
    """Return the prefix of the objects of one user."""
    return f"oversize/workspace={workspace}/{owner}-"


class Oversize:
    """Objects `oversize/workspace=<w>/<owner>-<fingerprint>.json.gz`, with the retention of results."""

    def __init__(self, client: S3Client, bucket_name: str, owner_of: Callable[[str, Identifier], str]) -> None:
        self._client = client
        self._owner_of = owner_of
        self._bucket = bucket_name

    def write(self, workspace: str, owner: Identifier, attributes: Attributes) -> str:
        """Write a user's attributes. Return the key."""
        key = f"{owned_prefix(workspace, self._owner_of(workspace, owner))}{exact_json.fingerprint(attributes)}.json.gz"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=gzip.compress(exact_json.dumps(attributes), mtime=0))
        return key

    def read(self, key: str) -> Attributes:
        """Read attributes. Raises botocore's `ClientError` when they were deleted."""
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        attributes = exact_json.loads(gzip.decompress(body))
        if not isinstance(attributes, dict):
            raise TypeError(f"{key} does not hold attributes")
        return attributes
