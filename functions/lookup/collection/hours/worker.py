"""Messages of the results queue that ask for an hour; what asks for a lookup goes on to those who collect lookups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.hour_requests import parse_hour
from lookup.bulk.queues import Delivery, try_dead_letter, try_delay
from lookup.collection.collection_result import Held
from lookup.collection.hours.collector import HourCollector
from lookup.collection.pulse import Hide, Pulse
from lookup.collection.queue import ResultsQueue
from lookup.collection.worker import DELIVERIES, CollectionWorker
from lookup.errors import InvalidInput, ServiceError
from lookup.ledger.collecting.hour_marks import Hour
from lookup.telemetry import logger


class ResultsWorker:
    """Serves batches; returns the message ids that the queue must deliver again. `knows` a workspace of the stage.

    `pulse` makes the sign of life of a message, which hides it as it is called, and of the claim on its hour.
    """

    def __init__(
        self,
        lookups: CollectionWorker,
        hours: HourCollector,
        queue: ResultsQueue,
        knows: Callable[[str], bool],
        pulse: Callable[[Hide, Hour], Pulse],
    ) -> None:
        self._lookups = lookups
        self._hours = hours
        self._queue = queue
        self._knows = knows
        self._pulse = pulse

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Collect until then (epoch seconds)."""
        failed = list[str]()
        for one in deliveries:
            failed += self._serve(one, until)
        return failed

    def _serve(self, delivery: Delivery, until: float) -> list[str]:
        try:
            hour = parse_hour(delivery.body)
            if hour is None:
                return self._lookups.serve([delivery], until=until)
        except InvalidInput as fault:
            is_done = try_dead_letter(self._queue, delivery, str(fault))
        else:
            is_done = self._is_collected(delivery, hour, until)
        return [] if is_done else [delivery.message_id]

    def _is_collected(self, delivery: Delivery, hour: Hour, until: float) -> bool:
        if not self._knows(hour.workspace):
            return try_dead_letter(self._queue, delivery, "workspace: is none of this stage")
        if delivery.received > DELIVERIES:
            return try_dead_letter(self._queue, delivery, f"not collected in {DELIVERIES} deliveries")
        try:
            with self._pulse(partial(self._queue.hide, delivery), hour) as pulse:
                result = self._hours.collect(hour, until=until, claimed=pulse.claimed)
            if isinstance(result, Held):
                self._queue.wait_until(delivery, result.until)
                return False
        except (ServiceError, BotoCoreError, ClientError) as fault:
            where = f"{hour.workspace} {hour.name}"
            logger.warning("hour returned", hour=where, error=error_name(fault), runbook="Dead letters")
            try_delay(self._queue.try_again, delivery)
            return False
        return True
