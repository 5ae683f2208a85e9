"""The SQS queues: parts sent and received, messages delayed, or dead-lettered with a reason."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk import part_message
from lookup.errors import AwsUnavailable
from lookup.model import Clock, Part
from lookup.settings import Settings
from lookup.telemetry import Metric, count, logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, SendMessageBatchRequestEntryTypeDef

BATCH_LIMIT = 10  # messages in one SendMessageBatch
SENDS = 3  # of what SQS refuses of a batch; botocore has waited out throttling before
BATCH_BYTES = 900_000  # of the 1 MiB that a batch may hold
FIRST_DELAY = 60.0  # seconds; doubles with every delivery: what is mended early is noticed early
MAX_DELAY = 3600  # seconds, jitter included; after that a look at the gate costs little
# The queue delivers a message a thousand times, then it is a dead letter without a reason: whatever keeps it waiting, a
# thousand must last for the fourteen days that it is kept. From so many deliveries on it comes every half an hour.
FREQUENT_DELIVERIES, FREQUENT_DELAY = 200, 1800.0  # deliveries, seconds
# SQS keeps a message this long from its first sending, whatever happens to it, and then deletes it without a word; a
# move to a dead-letter queue does not begin the time anew:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
RETENTION_SECONDS = 14 * 24 * 3600
LAST_DAY = 24 * 3600  # before that end: many times the longest hold and visibility time together
MESSAGE_BYTES = 1024 * 1024  # of a message, its attributes included
REASON_LENGTH = 1000
# What XML cannot hold: SQS takes it in no message.
UNSENDABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as Lambda hands it over: what it holds, and how to refer to it."""

    message_id: str
    body: str
    receipt_handle: str
    received: int
    sent_at: float
    queue: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Delivery:
        """Read one record of an SQS event."""
        attributes = record["attributes"]
        return cls(
            message_id=record["messageId"],
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            received=int(attributes["ApproximateReceiveCount"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            queue=record["eventSourceARN"].rpartition(":")[2],
        )


class DeadLetters(Protocol):
    """A queue that has a dead-letter queue."""

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""


def reason_attributes(delivery: Delivery, reason: str) -> dict[str, MessageAttributeValueTypeDef]:
    """Return the attributes of a dead letter: why it is one, as far as SQS can send that, and which message it was."""
    shown = UNSENDABLE.sub("?", reason)[:REASON_LENGTH] or "unknown"
    return {
        "reason": {"DataType": "String", "StringValue": shown},
        "message_id": {"DataType": "String", "StringValue": delivery.message_id},
    }


def try_dead_letter(queue: DeadLetters, delivery: Delivery, reason: str) -> bool:
    """Copy a message to its dead-letter queue; False when that failed, so that it is delivered again."""
    message_id = delivery.message_id
    try:
        queue.dead_letter(delivery, reason)
    except (ClientError, BotoCoreError) as error:
        logger.error("message not dead-lettered", message_id=message_id, reason=reason, error=error_name(error))
        return False
    logger.warning("message dead-lettered", message_id=message_id, reason=reason)
    count(Metric.MESSAGES_LAID_ASIDE)
    return True


def try_delay(delay: Callable[[Delivery], None], delivery: Delivery) -> None:
    """Ask for the next delivery at another time; without it the message returns after the queue's own, later time."""
    try:
        delay(delivery)
    except (ClientError, BotoCoreError) as error:
        logger.warning("visibility not set", message_id=delivery.message_id, error=error_name(error))


def hidden_seconds(received: int, wait: float) -> int:
    """Return for how many seconds a message is hidden that has to wait, and was delivered so often."""
    look = FIRST_DELAY * 2.0 ** min(received - 1, 10)
    wait = min(max(0.0, wait), look, (MAX_DELAY - 2) / 1.1)
    wait = max(wait, FREQUENT_DELAY if received > FREQUENT_DELIVERIES else 0.0)
    return int(wait + random.uniform(0, 1 + wait / 10)) + 1  # noqa: S311 - jitter, so that not all come back at once


class Queues:
    """The intake and parts queues and their dead-letter queues."""

    def __init__(self, client: SQSClient, settings: Settings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock

    def is_intake(self, delivery: Delivery) -> bool:
        """Return whether another system wrote the message, or we did."""
        return self._settings.intake_queue_url.endswith(f"/{delivery.queue}")

    def is_answers(self, delivery: Delivery) -> bool:
        """Return whether the message is an answer at once that is to be archived."""
        return (self._settings.answers_queue_url or "").endswith(f"/{delivery.queue}")

    def is_expiring(self, delivery: Delivery) -> bool:
        """Return whether the message is in its last day on the queue."""
        return self._clock() >= delivery.sent_at + RETENTION_SECONDS - LAST_DAY

    def delay(self, delivery: Delivery, until: float) -> None:
        """Make a message that is given back invisible until about `until` (epoch seconds), an hour at most.

        A long wait is cut into growing ones: a closed gate may be opened before its time. What has come often waits for
        half an hour at least.
        """
        self.hide(delivery, hidden_seconds(delivery.received, until - self._clock()))

    def hide(self, delivery: Delivery, seconds: int) -> None:
        """Make a message invisible for so long."""
        self._client.change_message_visibility(
            QueueUrl=self._url(delivery), ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=seconds
        )

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to its dead-letter queue with the reason as an attribute; a body too long for both is cut."""
        intake = self.is_intake(delivery)
        settings = self._settings
        room = MESSAGE_BYTES - 4 * REASON_LENGTH - 1000
        self._client.send_message(
            QueueUrl=settings.intake_dead_letter_queue_url if intake else settings.parts_dead_letter_queue_url,
            MessageBody=delivery.body.encode()[:room].decode(errors="ignore"),
            MessageAttributes=reason_attributes(delivery, reason),
        )

    def send(self, parts: Iterable[Part]) -> int:
        """Put parts on the parts queue; return how many. Raises `AwsUnavailable` when SQS does not take all of them."""
        remaining, number = iter(parts), 0
        while batch := list(islice(remaining, BATCH_LIMIT)):
            self._send_batch(batch)
            number += len(batch)
        return number

    def _send_batch(self, parts: list[Part]) -> None:
        bodies = [part_message.serialize_part(part) for part in parts]
        if sum(len(body.encode()) for body in bodies) > BATCH_BYTES and len(parts) > 1:
            middle = len(parts) // 2
            self._send_batch(parts[:middle])
            self._send_batch(parts[middle:])
            return
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)
        ]
        for _ in range(SENDS):
            answer = self._client.send_message_batch(QueueUrl=self._settings.parts_queue_url, Entries=entries)
            refused = {one["Id"] for one in answer.get("Failed", [])}
            entries = [entry for entry in entries if entry["Id"] in refused]
            if not entries:
                return
        raise AwsUnavailable(f"SQS did not take {len(entries)} of {len(bodies)} parts")

    def _url(self, delivery: Delivery) -> str:
        return self._settings.intake_queue_url if self.is_intake(delivery) else self._settings.parts_queue_url
