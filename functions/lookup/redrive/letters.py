"""Dead letters as they are received from their queue, and how many wait there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookup.bulk.queues import BATCH_LIMIT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

MAX_LETTERS = 1000  # of one queue in one run
VISIBILITY_SECONDS = 900  # for which others do not receive them
MAX_EMPTY_RECEIVES = 3  # in a row: a short poll may miss messages that are there


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on a dead-letter queue; `original` is the id of the message that it is a copy of, if it says so."""

    body: str
    handle: str
    original: str | None = None


def letters(
    sqs: SQSClient, url: str, *, most: int = MAX_LETTERS, visibility: int = VISIBILITY_SECONDS
) -> Iterator[Letter]:
    """Receive up to `most` letters of a queue, each once; they are invisible to others for `visibility` seconds."""
    seen: set[str] = set()
    empty = 0
    while len(seen) < most and empty < MAX_EMPTY_RECEIVES:
        taken = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(BATCH_LIMIT, most - len(seen)),
            WaitTimeSeconds=0,
            VisibilityTimeout=visibility,
            MessageAttributeNames=["message_id"],
        )
        fresh = [one for one in taken.get("Messages", []) if one["MessageId"] not in seen]
        empty = 0 if fresh else empty + 1
        seen |= {one["MessageId"] for one in fresh}
        yield from map(_letter, fresh)


def _letter(message: MessageTypeDef) -> Letter:
    attributes: Mapping[str, MessageAttributeValueOutputTypeDef] = message.get("MessageAttributes", {})
    original = attributes["message_id"].get("StringValue") if "message_id" in attributes else None
    return Letter(message["Body"], message["ReceiptHandle"], original)


def letters_waiting(sqs: SQSClient, url: str) -> int:
    """Return about how many letters are on a queue, those in flight too."""
    names: list[QueueAttributeNameType] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)
