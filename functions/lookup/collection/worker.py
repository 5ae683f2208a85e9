"""One batch of the results queue: each lookup collected, continued, returned for later, or dead-lettered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.collection.collection_result import Busy, CollectionResult, Held, Unfinished
from lookup.collection.collector import Collector
from lookup.collection.exports.exporter import Exporter
from lookup.collection.pulse import Hide, Pulse
from lookup.collection.queue import BUSY_WAIT, CollectionRequest, ResultsQueue, parse_collection
from lookup.errors import InvalidInput, ServiceError
from lookup.telemetry import logger

DELIVERIES = (
    30  # while another function holds the claim a message comes again; after errors it waits a quarter of an hour
)


class CollectionWorker:
    """Serves batches; returns the message ids that the queue must deliver again.

    `pulse` makes the sign of life of a message, which hides it as it is called.
    """

    def __init__(
        self, collector: Collector, exporter: Exporter, queue: ResultsQueue, pulse: Callable[[Hide], Pulse]
    ) -> None:
        self._collector = collector
        self._exporter = exporter
        self._queue = queue
        self._pulse = pulse

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Collect until then (epoch seconds)."""
        return [one.message_id for one in deliveries if not self._is_done(one, until)]

    def _is_done(self, delivery: Delivery, until: float) -> bool:
        try:
            request = parse_collection(delivery.body)
        except InvalidInput as error:
            return try_dead_letter(self._queue, delivery, str(error))
        if delivery.received > DELIVERIES:  # also of what ended its function before anybody could say why
            return try_dead_letter(self._queue, delivery, f"not collected in {DELIVERIES} deliveries")
        try:
            with self._pulse(partial(self._queue.hide, delivery)) as pulse:
                result = self._served(request, until, pulse)
            return self._is_over(delivery, request, result)
        except (ServiceError, BotoCoreError, ClientError) as error:
            lookup_id = request.lookup_id
            logger.warning("collection returned", lookup_id=lookup_id, error=error_name(error), runbook="Dead letters")
            try_delay(self._queue.try_again, delivery)
            return False

    def _served(self, request: CollectionRequest, until: float, pulse: Pulse) -> CollectionResult:
        if request.export is None:
            return self._collector.collect(request.lookup_id, until=until, claimed=pulse.claimed)
        return self._exporter.export(request.lookup_id, request.export, until=until, claimed=pulse.claimed)

    def _is_over(self, delivery: Delivery, request: CollectionRequest, result: CollectionResult) -> bool:
        match result:
            case Held(until=until):
                self._queue.wait_until(delivery, until)
                return False
            case Unfinished():
                self._queue.ask(request)
            case Busy():  # in a new message: it may have to wait more often than an old one may be delivered
                self._queue.ask(request, seconds=BUSY_WAIT)
        return True
