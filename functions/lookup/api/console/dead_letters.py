"""How many dead letters each queue has, for operators who look at it again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lookup.api.console.parameter import ConsoleFacts
from lookup.model import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

CACHED_SECONDS = 15.0
# Those in flight are looked at by somebody, and not gone.
COUNTED: tuple[QueueAttributeNameType, ...] = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class DeadLetters:
    """Counts the dead letters of every queue of the stage, every 15 seconds at most."""

    def __init__(self, client: SQSClient, facts: Callable[[], ConsoleFacts], clock: Clock) -> None:
        self._client = client
        self._facts = facts
        self._clock = clock
        self._counted_at = float("-inf")
        self._counts: Mapping[str, int] = {}

    def counts(self) -> Mapping[str, int]:
        """Return about how many there are, by the queue's name."""
        if self._clock() - self._counted_at >= CACHED_SECONDS:
            self._counts = {name: self._count(one.dead_letters) for name, one in self._facts().queues.items()}
            self._counted_at = self._clock()
        return self._counts

    def _count(self, url: str) -> int:
        attributes = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTED)["Attributes"]
        return sum(int(attributes[name]) for name in COUNTED)
