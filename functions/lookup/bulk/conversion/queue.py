"""The queue of rosters to convert: FIFO with a group for each partner, so that one of each partner's runs at a time.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: of a group one batch is delivered at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookup import exact_json
from lookup.bulk.queues import Delivery, reason_attributes
from lookup.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_WAIT = 900  # seconds between two tries


class ConversionQueue:
    """The queue, and for its worker the dead-letter queue, by their URLs."""

    def __init__(self, client: SQSClient, url: str, dead_letter_url: str | None) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url

    def send(self, lookup_id: str, partner: str) -> None:
        """Ask for the conversion of a lookup's roster."""
        body = exact_json.dumps({"lookup_id": lookup_id, "partner": partner}).decode()
        self._client.send_message(
            QueueUrl=self._url, MessageBody=body, MessageGroupId=partner, MessageDeduplicationId=lookup_id
        )

    def try_again(self, delivery: Delivery) -> None:
        """Make a returned message visible after a time that doubles with every delivery."""
        wait = min(LONGEST_WAIT, 30 * 2 ** min(delivery.received - 1, 5))
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=wait
        )

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""
        if self._dead_letter_url is None:
            raise Misconfigured("conversion_dead_letter_queue_url", "is not set for this function")
        self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=delivery.body,
            MessageGroupId=delivery.message_id,
            MessageDeduplicationId=delivery.message_id,
            MessageAttributes=reason_attributes(delivery, reason),
        )


def parse_conversion(body: str) -> tuple[str, str]:
    """Parse which lookup a message is about, and its partner. Raises `InvalidInput`."""
    try:
        match exact_json.loads(body):
            case {"lookup_id": str(lookup_id), "partner": str(partner)}:
                return lookup_id, partner
    except ValueError:
        pass
    raise InvalidInput("body", "must be an object with lookup_id and partner")
