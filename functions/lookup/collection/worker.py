"""One batch of the results queue: each lookup collected, continued, returned for later, or dead-lettered."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery
from lookup.collection.collector import Collector, Held, Unfinished
from lookup.collection.queue import ResultsQueue, read
from lookup.errors import InvalidInput, ServiceError
from lookup.telemetry import Metric, count, logger

DELIVERIES = 30  # while another function holds the claim a message comes again; trouble waits a quarter of an hour


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
            lookup_id = read(delivery.body)
        except InvalidInput as fault:
            return self._dead_letter(delivery, str(fault))
        if delivery.received > DELIVERIES:  # also of what ended its function before anybody could say why
            return self._dead_letter(delivery, f"not collected in {DELIVERIES} deliveries")
        try:
            came = self._collector.collect(lookup_id, until=until)
            if isinstance(came, Held):
                self._queue.wait_until(delivery, came.until)
                return False
            if isinstance(came, Unfinished):
                self._queue.ask(lookup_id)
        except (ServiceError, BotoCoreError, ClientError) as fault:
            logger.warning("results given back", lookup_id=lookup_id, error=error_name(fault), runbook="Dead letters")
            self._hold_back(delivery)
            return False
        return True

    def _dead_letter(self, delivery: Delivery, reason: str) -> bool:
        """Copy a message to its dead-letter queue; False when that failed, so that it is delivered again."""
        try:
            self._queue.lay_aside(delivery, reason)
        except (ClientError, BotoCoreError) as error:
            name = error_name(error)
            logger.error("message not dead-lettered", message_id=delivery.message_id, reason=reason, error=name)
            return False
        logger.warning("message dead-lettered", message_id=delivery.message_id, reason=reason)
        count(Metric.MESSAGES_LAID_ASIDE)
        return True

    def _hold_back(self, delivery: Delivery) -> None:
        """Ask for an early delivery; without it the message returns after the queue's own time, which is later."""
        try:
            self._queue.try_again(delivery)
        except (ClientError, BotoCoreError) as error:
            logger.warning("visibility not set", message_id=delivery.message_id, error=error_name(error))
