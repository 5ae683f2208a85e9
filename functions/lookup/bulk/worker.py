"""One batch of queue messages: parsed, processed together, and each message completed, returned or dead-lettered."""

from __future__ import annotations

from collections.abc import Sequence

from lookup.bulk import part_message
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.feeder import Feeder
from lookup.bulk.intake.message import parse_intake_message
from lookup.bulk.processor import PartProcessor
from lookup.bulk.queues import Delivery, Queues, try_dead_letter, try_delay
from lookup.bulk.recording import Retry
from lookup.errors import InvalidInput
from lookup.ledger.parts import Counted, DeliveredPart
from lookup.model import Part
from lookup.telemetry import Metric, count, count_outcomes

DEFAULT_WORKSPACE = "default"
EXPIRING = "expiring: waited for 13 of the 14 days that the queue keeps a message"


class QueueWorker:
    """Processes batches; returns the message ids that the queue must deliver again."""

    def __init__(self, *, queues: Queues, parts: PartProcessor, ending: LookupCompletion, feeder: Feeder) -> None:
        self._queues = queues
        self._parts = parts
        self._ending = ending
        self._feeder = feeder

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Process a batch until `until` (epoch seconds); unreadable messages never keep the others from it."""
        readable: dict[str, Delivery] = {}
        delivered: dict[str, DeliveredPart] = {}  # by part: SQS may deliver a message twice in one batch
        returned: list[str] = []
        for delivery in deliveries:
            part = self._parse(delivery)
            if isinstance(part, InvalidInput):
                returned += self._dead_letter(delivery, str(part))
                continue
            readable[part.name] = delivery
            delivered[part.name] = DeliveredPart(part, redelivered=delivery.received > 1)
        completions = self._parts.process(delivered.values(), until=until)
        for completion in completions:
            returned += self._finish(readable[completion.part.name], completion)
        self._finish_and_refill([one.part for one in completions if isinstance(one, Counted)])
        return returned

    def _finish_and_refill(self, done: Sequence[Part]) -> None:
        """End the lookups that are fully counted, and put on the queue what there is room for now."""
        fed = [part for part in done if part.origin is not None]
        for lookup_id in {part.lookup_id for part in fed}:
            self._ending.finish_if_done(lookup_id)
        for workspace in {part.workspace for part in fed}:
            self._feeder.feed(workspace)

    def _parse(self, delivery: Delivery) -> Part | InvalidInput:
        try:
            if not self._queues.is_intake(delivery):
                return part_message.parse_part(delivery.body)
            return parse_intake_message(
                delivery.body,
                message_id=delivery.message_id,
                sent_at=delivery.sent_at,
                default_workspace=DEFAULT_WORKSPACE,
            )
        except InvalidInput as error:
            return error

    def _finish(self, delivery: Delivery, completion: Counted | Retry) -> list[str]:
        """Count what was done, or return the message; return the ids of messages to be delivered again."""
        if isinstance(completion, Retry):
            return self._retry_later(delivery, completion.retry_at)
        returned = [] if completion.reason is None else self._dead_letter(delivery, completion.reason)
        count(Metric.PARTS_COMPLETED)
        count_outcomes(completion.counts)
        return returned

    def _retry_later(self, delivery: Delivery, retry_at: float) -> list[str]:
        """Return a message to its queue, or dead-letter it before SQS deletes it for its age."""
        if self._queues.is_expiring(delivery):
            return self._dead_letter(delivery, EXPIRING)
        count(Metric.PARTS_HELD_BACK)
        try_delay(lambda one: self._queues.delay(one, retry_at), delivery)
        return [delivery.message_id]

    def _dead_letter(self, delivery: Delivery, reason: str) -> list[str]:
        return [] if try_dead_letter(self._queues, delivery, reason) else [delivery.message_id]
