"""The queue of erasures: identifiers are in its messages and nowhere else, for as long as the search goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from lookup.bulk.queues import Delivery, reason_attributes
from lookup.errors import InvalidInput, Misconfigured
from lookup.model import Identifier, IdentifierType

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY = 900  # seconds, of SQS
FIRST_WAIT, LONGEST_WAIT = 30, 900  # seconds between two tries after errors, which double


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """One step of an erasure; when only its rosters are left, it names nobody."""

    erasure_id: str
    step: int
    identifiers: tuple[Identifier, ...] = ()

    def to_body(self) -> str:
        """Write it for the queue."""
        named = [[one.identifier_type.value, one.identifier] for one in self.identifiers]
        said = {"erasure_id": self.erasure_id, "step": self.step, "identifiers": named}
        return exact_json.dumps(said).decode()


def parse_step(body: str) -> ErasureStep:
    """Parse a message. Raises `InvalidInput`."""
    try:
        match exact_json.loads(body):
            case {"erasure_id": str(erasure_id), "step": int(step), "identifiers": list(named)}:
                return ErasureStep(erasure_id, step, tuple(_identifiers(named)))
    except (ValueError, TypeError):
        pass
    raise InvalidInput("body", "must be an object with erasure_id, step and identifiers")


def _identifiers(named: Iterable[Any]) -> Iterable[Identifier]:
    for kind, identifier in named:  # anything else raises TypeError or ValueError
        yield Identifier(IdentifierType(kind), str(identifier))


class ErasureQueue:
    """The queue and its dead-letter queue, by their URLs."""

    def __init__(self, client: SQSClient, url: str | None, dead_letter_url: str | None = None) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url

    def send(self, step: ErasureStep, *, after: float = 0.0) -> None:
        """Send a step, which is served `after` seconds; SQS delays 15 minutes at most."""
        delay = max(0, min(LONGEST_DELAY, int(after)))
        self._client.send_message(QueueUrl=_given(self._url), MessageBody=step.to_body(), DelaySeconds=delay)

    def hide(self, delivery: Delivery, seconds: float) -> None:
        """Make a message visible again after so many seconds."""
        hidden = max(1, min(LONGEST_DELAY, int(seconds) + 1))
        self._client.change_message_visibility(
            QueueUrl=_given(self._url), ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=hidden
        )

    def try_again(self, delivery: Delivery) -> None:
        """Make a returned message visible after a time that doubles with every delivery."""
        self.hide(delivery, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(delivery.received - 1, 5)))

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Copy a message to the dead-letter queue with the reason as an attribute."""
        self._client.send_message(
            QueueUrl=_given(self._dead_letter_url),
            MessageBody=delivery.body,
            MessageAttributes=reason_attributes(delivery, reason),
        )


def _given(url: str | None) -> str:
    if url is None:
        raise Misconfigured("erasure_queue_url", "is not set for this function")
    return url
