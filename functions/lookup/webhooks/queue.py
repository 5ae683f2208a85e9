"""The webhook queue: messages hidden until their next attempt, or dead-lettered with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup.bulk.queues import Delivery, reason_attributes
from lookup.errors import Misconfigured

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS hides a message for 12 hours from its receipt, the function's own time included.
LONGEST_VISIBILITY = 12 * 3600 - 300


class WebhookQueue:
    """The queue and its dead-letter queue, by their URLs, which only the function that serves them has."""

    def __init__(self, client: SQSClient, url: str | None, dead_letter_url: str | None) -> None:
        self._client = client
        self._url = _required("webhook_queue_url", url)
        self._dead_letter_url = _required("webhook_dead_letter_queue_url", dead_letter_url)

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Make a returned message visible after so many seconds, eleven hours and 55 minutes at most."""
        hidden = min(LONGEST_VISIBILITY, int(seconds) + 1)
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=hidden
        )

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
