"""What one AWS request is billed as: an operation without a line here has no price, and the count fails.

DynamoDB's units follow its Developer Guide, "Read and write request units" and "Item sizes and formats".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.cost.prices import Item

Params = Mapping[str, Any]
Usage = dict[Item, float]
SizeOf = Callable[[str, Params], int]  # bytes of the stored item, by table and key; 0 when there is none
CHUNK, EVENT_CHUNK = 64 * 1024, 64 * 1024
NOT_BILLED = frozenset({("ssm", "GetParameter")})  # a standard parameter


def add(usage: Usage, more: Mapping[Item, float], times: float = 1.0) -> None:
    """Add to a usage, so many times."""
    for item, number in more.items():
        usage[item] = usage.get(item, 0.0) + number * times


def value_size(value: Params) -> float:
    """Bytes of one attribute value in DynamoDB's typed JSON."""
    ((kind, held),) = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        return math.ceil(len(held.strip("-0.")) / 2) + 2
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(one) for name, one in held.items())
    if kind == "L":
        return 3 + sum(1 + value_size(one) for one in held)
    if kind in {"NULL", "BOOL"}:
        return 1
    raise ValueError(f"no size of DynamoDB type {kind}")


def item_size(item: Params) -> int:
    """Bytes of an item: names and values."""
    return math.ceil(sum(len(name.encode()) + value_size(value) for name, value in item.items()))


def write_units(size: int, *, transaction: bool = False) -> int:
    """One for each KB begun; twice in a transaction."""
    return max(1, math.ceil(size / 1024)) * (2 if transaction else 1)


def read_units(size: int, *, consistent: bool) -> float:
    """One for each 4 KB begun when strongly consistent, else half; an item that is not there costs as a small one."""
    return max(1, math.ceil(size / 4096)) * (1.0 if consistent else 0.5)


def units(service: str, operation: str, params: Params, answer: Params, size_of: SizeOf) -> Usage:
    """Return what a request is billed as. Raises `KeyError` for an operation without a price."""
    if (service, operation) in NOT_BILLED:
        return {}
    return _BILLED[service, operation](params, answer, size_of)


def _put_item(params: Params, _: Params, size_of: SizeOf) -> Usage:
    item = params["Item"]
    stored = size_of(params["TableName"], item)
    return {Item.DYNAMODB_WRITE: write_units(max(item_size(item), stored))}


def _update_item(params: Params, _: Params, size_of: SizeOf) -> Usage:
    return {Item.DYNAMODB_WRITE: write_units(size_of(params["TableName"], params["Key"]))}


def _transact(params: Params, _: Params, size_of: SizeOf) -> Usage:
    written = 0
    for action in params["TransactItems"]:
        ((_kind, facts),) = action.items()
        known = item_size(facts["Item"]) if "Item" in facts else 0
        stored = size_of(facts["TableName"], facts.get("Key") or facts["Item"])
        written += write_units(max(known, stored), transaction=True)
    return {Item.DYNAMODB_WRITE: written}


def _get_item(params: Params, answer: Params, _: SizeOf) -> Usage:
    size = item_size(answer.get("Item", {}))
    return {Item.DYNAMODB_READ: read_units(size, consistent=params.get("ConsistentRead", False))}


def _batch_get(params: Params, answer: Params, _: SizeOf) -> Usage:
    read = 0.0
    for table, wanted in params["RequestItems"].items():
        consistent = wanted.get("ConsistentRead", False)
        found = [item_size(item) for item in answer["Responses"].get(table, [])]
        missing = len(wanted["Keys"]) - len(found)
        read += sum(read_units(size, consistent=consistent) for size in [*found, *[0] * missing])
    return {Item.DYNAMODB_READ: read}


def _query(params: Params, answer: Params, _: SizeOf) -> Usage:
    size = sum(item_size(item) for item in answer["Items"])
    return {Item.DYNAMODB_READ: read_units(size, consistent=params.get("ConsistentRead", False))}


def _messages(params: Params, _: Params, __: SizeOf) -> Usage:
    bodies = [entry["MessageBody"] for entry in params.get("Entries", [params])]
    size = sum(len(body.encode()) for body in bodies)
    return {Item.SQS_REQUEST: max(1, math.ceil(size / CHUNK))}


def _events(params: Params, _: Params, __: SizeOf) -> Usage:
    sizes = [len(json.dumps(entry).encode()) for entry in params["Entries"]]
    return {Item.EVENT: sum(max(1, math.ceil(size / EVENT_CHUNK)) for size in sizes)}


def _one(item: Item) -> Callable[[Params, Params, SizeOf], Usage]:
    return lambda *_: {item: 1}


_BILLED: Mapping[tuple[str, str], Callable[[Params, Params, SizeOf], Usage]] = {
    ("dynamodb", "PutItem"): _put_item,
    ("dynamodb", "UpdateItem"): _update_item,
    ("dynamodb", "TransactWriteItems"): _transact,
    ("dynamodb", "GetItem"): _get_item,
    ("dynamodb", "BatchGetItem"): _batch_get,
    ("dynamodb", "Query"): _query,
    ("s3", "PutObject"): _one(Item.S3_PUT),
    ("s3", "AbortMultipartUpload"): lambda *_: {},  # requests that delete or cancel cost nothing
    ("s3", "DeleteObject"): lambda *_: {},
    ("s3", "CreateMultipartUpload"): _one(Item.S3_PUT),
    ("s3", "UploadPart"): _one(Item.S3_PUT),
    ("s3", "CompleteMultipartUpload"): _one(Item.S3_PUT),
    ("s3", "GetObject"): _one(Item.S3_GET),
    ("s3", "HeadObject"): _one(Item.S3_GET),
    ("sqs", "SendMessage"): _messages,
    ("sqs", "SendMessageBatch"): _messages,
    ("sqs", "ChangeMessageVisibility"): _one(Item.SQS_REQUEST),
    ("sqs", "ReceiveMessage"): _one(Item.SQS_REQUEST),  # by the event source
    ("sqs", "DeleteMessage"): _one(Item.SQS_REQUEST),  # by the event source
    ("events", "PutEvents"): _events,
    ("secretsmanager", "DescribeSecret"): _one(Item.SECRET_READ),  # of every workspace, every minute
    ("secretsmanager", "GetSecretValue"): _one(Item.SECRET_READ),
}
