"""One batch of the conversion queue: each message done, returned for later, or dead-lettered with a reason."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.conversion import queue as conversion_queue
from lookup.bulk.conversion.converter import Conversions
from lookup.bulk.conversion.queue import ConversionQueue
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.errors import InvalidInput, ServiceError
from lookup.telemetry import logger

DELIVERIES = 8  # over an hour of tries: then a person has to look


class ConversionWorker:
    """Serves batches; returns the message ids that the queue must deliver again."""

    def __init__(self, conversions: Conversions, queue: ConversionQueue) -> None:
        self._conversions = conversions
        self._queue = queue

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Convert until then (epoch seconds); an error of AWS returns the message."""
        return [one.message_id for one in deliveries if not self._is_done(one, until)]

    def _is_done(self, delivery: Delivery, until: float) -> bool:
        try:
            lookup_id, _ = conversion_queue.parse_conversion(delivery.body)
        except InvalidInput as error:
            return try_dead_letter(self._queue, delivery, str(error))
        if delivery.received > DELIVERIES:  # also of what ended its function before anybody could say why
            return self._abandon(delivery, lookup_id)
        try:
            if self._conversions.convert(lookup_id, until=until, received=delivery.received):
                return True
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("conversion returned", lookup_id=lookup_id, error=error_name(error), runbook="Dead letters")
        try_delay(self._queue.try_again, delivery)
        return False

    def _abandon(self, delivery: Delivery, lookup_id: str) -> bool:
        """Put a message behind the others of its partner's line, and dead-letter it; False when either failed."""
        try:
            self._conversions.defer(lookup_id)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("conversion keeps its place", lookup_id=lookup_id, error=error_name(error))
            return False
        return try_dead_letter(self._queue, delivery, f"not converted in {DELIVERIES} deliveries")
