"""The queue of lookups to collect: EventBridge puts each lookup's end and export on it, the function what it defers.

A body is `{"lookup_id", …}`, with `export` where that format is to be made later of files that are collected.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookup import exact_json
from lookup.bulk.queues import Delivery, reason_attributes
from lookup.collection.files import EXPORTS, Format
from lookup.errors import InvalidInput, Misconfigured
from lookup.model import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

FIRST_WAIT, LONGEST_WAIT = 30, 900  # seconds between two tries, which double
BUSY_WAIT = 60  # seconds after which a large lookup asks again whether others are done


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """What a message asks for: a lookup's results collected, or one more format of those that are."""

    lookup_id: str
    export: Format | None = None

    def to_body(self) -> str:
        """Write the message."""
        export = {} if self.export is None else {"export": self.export.value}
        return exact_json.dumps({"lookup_id": self.lookup_id, **export}).decode()


class ResultsQueue:
    """The queue and its dead-letter queue, by their URLs, which only the function that serves them has."""

    def __init__(self, client: SQSClient, url: str | None, dead_letter_url: str | None, clock: Clock) -> None:
        self._client = client
        self._url = _given("results_queue_url", url)
        self._dead_letter_url = _given("results_dead_letter_queue_url", dead_letter_url)
        self._clock = clock

    def ask(self, request: CollectionRequest, *, seconds: int = 0) -> None:
        """Ask for the rest of it, so many seconds from now: in a new message, which has not been delivered yet."""
        self._client.send_message(QueueUrl=self._url, MessageBody=request.to_body(), DelaySeconds=seconds)

    def try_again(self, delivery: Delivery) -> None:
        """Make a returned message visible after a time that doubles with every delivery."""
        self.hide(delivery, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.received - 1, 5)))

    def wait_until(self, delivery: Delivery, until: float) -> None:
        """Make a message visible when somebody else's claim ends (epoch seconds)."""
        self.hide(delivery, min(LONGEST_WAIT, max(1.0, until - self._clock())) + random.uniform(0, 5))  # noqa: S311 - jitter

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""
        self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=delivery.body,
            MessageAttributes=reason_attributes(delivery, reason),
        )

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Keep a message from others for so long from now."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=int(seconds) + 1
        )


def _given(name: str, url: str | None) -> str:
    if url is None:
        raise Misconfigured(name, "is not set for this function")
    return url


def parse_collection(body: str) -> CollectionRequest:
    """Parse what a message asks for. Raises `InvalidInput`."""
    try:
        match exact_json.loads(body):
            case {"lookup_id": str(lookup_id), "export": str(export)} if export in EXPORTS:
                return CollectionRequest(lookup_id, Format(export))
            case {"lookup_id": str(lookup_id), **others} if "export" not in others:
                return CollectionRequest(lookup_id)
            case {"lookup_id": str(), "export": _}:
                raise InvalidInput("export", "must be csv or csv_bom")
    except ValueError:
        pass
    raise InvalidInput("body", "must be an object with lookup_id")
