"""The webhook queue: messages hidden until their next attempt, or dead-lettered with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup.bulk.queues import Delivery, reason_attributes
from lookup.errors import Misconfigured
from lookup.model import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

# SQS hides a message for 12 hours from its receipt, the function's own time included.
LONGEST_VISIBILITY = 12 * 3600 - 300
# SQS hands out no message of a queue while 120,000 of it are in flight, and a hidden one is:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
# Receivers that do not answer may have half of that, and those whose own calls are under way leave a sixth free.
MOST_OF_PAUSED, MOST_OF_BUSY = 60_000, 100_000
COUNTED_SECONDS = 30.0  # for which a count of messages is used again


class WebhookQueue:
    """The queue and its dead-letter queue, by their URLs, which only the function that serves them has."""

    def __init__(self, client: SQSClient, url: str | None, dead_letter_url: str | None, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._in_flight = 0
        self._counted_at = float("-inf")
        self._url = _required("webhook_queue_url", url)
        self._dead_letter_url = _required("webhook_dead_letter_queue_url", dead_letter_url)

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Make a returned message visible after so many seconds, eleven hours and 55 minutes at most."""
        hidden = min(LONGEST_VISIBILITY, int(seconds) + 1)
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=hidden
        )

    def in_flight(self) -> int:
        """Return how many messages are hidden or being served, about, and at most half a minute ago."""
        now = self._clock()
        if now > self._counted_at + COUNTED_SECONDS:
            name: QueueAttributeNameType = "ApproximateNumberOfMessagesNotVisible"
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
            self._in_flight, self._counted_at = int(answer["Attributes"][name]), now
        return self._in_flight

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""
        self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=delivery.body,
            MessageAttributes=reason_attributes(delivery, reason),
        )


def _required(name: str, url: str | None) -> str:
    if url is None:
        raise Misconfigured(name, "is not set for this function")
    return url
