"""The queue of lookups to collect: EventBridge puts each lookup's end on it, the function what it has no time for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from lookup import exact_json
from lookup.bulk.queues import Delivery, reason_attributes
from lookup.errors import InvalidInput, Misconfigured
from lookup.model import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_WAIT, LONGEST_WAIT = 30, 900  # seconds between two tries, which double


class ResultsQueue:
    """The queue and its dead-letter queue, by their URLs, which only the function that serves them has."""

    def __init__(self, client: SQSClient, url: str | None, dead_letter_url: str | None, clock: Clock) -> None:
        self._client = client
        self._url = _given("results_queue_url", url)
        self._dead_letter_url = _given("results_dead_letter_queue_url", dead_letter_url)
        self._clock = clock

    def ask(self, lookup_id: str) -> None:
        """Ask for a lookup to be collected, or for the rest of it."""
        self._client.send_message(QueueUrl=self._url, MessageBody=exact_json.dumps({"lookup_id": lookup_id}).decode())

    def try_again(self, delivery: Delivery) -> None:
        """Make a returned message visible after a time that doubles with every delivery."""
        self._hide(delivery, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.received - 1, 5)))

    def wait_until(self, delivery: Delivery, until: float) -> None:
        """Make a message visible when somebody else's claim ends (epoch seconds)."""
        self._hide(delivery, min(LONGEST_WAIT, max(1.0, until - self._clock())) + random.uniform(0, 5))  # noqa: S311 - jitter

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""
        self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=delivery.body,
            MessageAttributes=reason_attributes(delivery, reason),
        )

    def _hide(self, delivery: Delivery, seconds: float) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=int(seconds) + 1
        )


def _given(name: str, url: str | None) -> str:
    if url is None:
        raise Misconfigured(name, "is not set for this function")
    return url


def parse_collection(body: str) -> str:
    """Parse which lookup a message is about. Raises `InvalidInput`."""
    try:
        match exact_json.loads(body):
            case {"lookup_id": str(lookup_id)}:
                return lookup_id
    except ValueError:
        pass
    raise InvalidInput("body", "must be an object with lookup_id")
