"""One batch of queue messages: read, served together, and each message completed, given back or laid aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.bulk import part_message
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.feeder import Feeder
from lookup.bulk.intake_message import parse_intake_message
from lookup.bulk.processor import DeliveredPart, PartProcessor
from lookup.bulk.queues import Delivery, Queues
from lookup.bulk.recording import Completion
from lookup.errors import InvalidInput
from lookup.model import Counts, Part
from lookup.telemetry import Metric, count, count_outcomes, logger

DEFAULT_WORKSPACE = "default"
EXPIRING = "expiring: waited for 13 of the 14 days that the queue keeps a message"


class QueueWorker:
    """Serves batches; gives the message ids that the queue must deliver again."""

    def __init__(self, *, queues: Queues, parts: PartProcessor, ending: LookupCompletion, feeder: Feeder) -> None:
        self._queues = queues
        self._parts = parts
        self._ending = ending
        self._feeder = feeder

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Serve a batch until `until` (epoch seconds); unreadable messages never keep the others from being served."""
        readable: dict[str, Delivery] = {}
        works: dict[str, DeliveredPart] = {}  # by part: SQS may deliver a message twice in one batch
        held_back: list[str] = []
        for delivery in deliveries:
            part = self._read(delivery)
            if isinstance(part, InvalidInput):
                held_back += self._lay_aside(delivery, str(part))
                continue
            readable[part.name] = delivery
            works[part.name] = DeliveredPart(part, redelivered=delivery.received > 1)
        completions = self._parts.serve(works.values(), until=until)
        held_back += self._given_back(readable, completions)
        self._go_on([completion.part for completion in completions if completion.retry_at is None])
        return held_back

    def _go_on(self, done: Sequence[Part]) -> None:
        """End the lookups that are all in, and put on the queue what there is room for now."""
        fed = [part for part in done if part.origin is not None]
        for lookup_id in {part.lookup_id for part in fed}:
            self._ending.check(lookup_id)
        for workspace in {part.workspace for part in fed}:
            self._feeder.feed(workspace)

    def _read(self, delivery: Delivery) -> Part | InvalidInput:
        try:
            if not self._queues.is_intake(delivery):
                return part_message.parse_part(delivery.body)
            return parse_intake_message(
                delivery.body,
                message_id=delivery.message_id,
                sent_at=delivery.sent_at,
                default_workspace=DEFAULT_WORKSPACE,
            )
        except InvalidInput as fault:
            return fault

    def _given_back(self, deliveries: Mapping[str, Delivery], completions: Sequence[Completion]) -> list[str]:
        held_back: list[str] = []
        for completion in completions:
            delivery = deliveries[completion.part.name]
            if completion.reason is not None:
                held_back += self._lay_aside(delivery, completion.reason)
            if completion.retry_at is not None:
                held_back += self._retry_later(delivery, completion.retry_at)
            else:
                count(Metric.PARTS_COMPLETED)
                count_outcomes(Counts.of(completion.outcomes))
        return held_back

    def _retry_later(self, delivery: Delivery, retry_at: float) -> list[str]:
        """Return a message to its queue, or dead-letter it before SQS deletes it for its age."""
        if self._queues.is_expiring(delivery):
            return self._lay_aside(delivery, EXPIRING)
        self._hold_back(delivery, retry_at)
        return [delivery.message_id]

    def _lay_aside(self, delivery: Delivery, reason: str) -> list[str]:
        """Copy a message to its dead-letter queue; give its id when that failed, so that it is delivered again."""
        try:
            self._queues.lay_aside(delivery, reason)
        except (ClientError, BotoCoreError) as error:
            logger.error("message not laid aside", message_id=delivery.message_id, reason=reason, error=_kind(error))
            return [delivery.message_id]
        logger.warning("message laid aside", message_id=delivery.message_id, reason=reason)
        count(Metric.MESSAGES_LAID_ASIDE)
        return []

    def _hold_back(self, delivery: Delivery, retry_at: float) -> None:
        """Ask for a later delivery; without it the message returns after the queue's own time, which is only later."""
        count(Metric.PARTS_HELD_BACK)
        try:
            self._queues.hold_back(delivery, retry_at)
        except (ClientError, BotoCoreError) as error:
            logger.warning("visibility not set", message_id=delivery.message_id, error=_kind(error))


def _kind(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
