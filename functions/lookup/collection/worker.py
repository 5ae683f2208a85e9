"""One batch of the results queue: each lookup collected, continued, returned for later, or dead-lettered."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.collection.collector import Collector, Held, Unfinished
from lookup.collection.queue import ResultsQueue, parse_collection
from lookup.errors import InvalidInput, ServiceError
from lookup.telemetry import logger

DELIVERIES = (
    30  # while another function holds the claim a message comes again; after errors it waits a quarter of an hour
)


class CollectionWorker:
    """Serves batches; returns the message ids that the queue must deliver again."""

    def __init__(self, collector: Collector, queue: ResultsQueue) -> None:
        self._collector = collector
        self._queue = queue

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Collect until then (epoch seconds)."""
        return [one.message_id for one in deliveries if not self._is_done(one, until)]

    def _is_done(self, delivery: Delivery, until: float) -> bool:
        try:
            lookup_id = parse_collection(delivery.body)
        except InvalidInput as error:
            return try_dead_letter(self._queue, delivery, str(error))
        if delivery.received > DELIVERIES:  # also of what ended its function before anybody could say why
            return try_dead_letter(self._queue, delivery, f"not collected in {DELIVERIES} deliveries")
        try:
            result = self._collector.collect(lookup_id, until=until)
            if isinstance(result, Held):
                self._queue.wait_until(delivery, result.until)
                return False
            if isinstance(result, Unfinished):
                self._queue.ask(lookup_id)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("collection returned", lookup_id=lookup_id, error=error_name(error), runbook="Dead letters")
            try_delay(self._queue.try_again, delivery)
            return False
        return True
