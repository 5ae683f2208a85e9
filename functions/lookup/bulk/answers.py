"""Answers at once, from their queue to S3: those of an hour in one object, as many as came together.

A message may be delivered twice, and then lies in two objects: whoever collects the hour takes it once, by its lookup.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.queues import Delivery
from lookup.errors import InvalidInput, ServiceError
from lookup.ledger.collecting.hour_marks import Hour, HourMarks
from lookup.model import Clock
from lookup.results.answers import GZIP, Answer
from lookup.results.files import ResultFiles
from lookup.telemetry import logger

OBJECT_BYTES = 16 * 1024 * 1024  # of lines before they are packed: who collects has several objects in memory
LEVEL = 6


class AnswersObject:
    """The object of one hour that is being filled: packed as it grows, so that no lines are kept."""

    def __init__(self) -> None:
        self._packing = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._packed = bytearray()
        self.size = 0
        self.message_ids: list[str] = []
        self.lookup_ids: set[str] = set()

    def add(self, delivery: Delivery, lookup_id: str, lines: bytes) -> None:
        """Add an answer; of one that is there already, only its message."""
        self.message_ids.append(delivery.message_id)
        if lookup_id in self.lookup_ids:
            return
        self.lookup_ids.add(lookup_id)
        self._packed += self._packing.compress(lines)
        self.size += len(lines)

    def body(self) -> bytes:
        """End the object."""
        return bytes(self._packed) + self._packing.flush()


class AnswersWorker:
    """Serves batches; returns the message ids that the queue must deliver again."""

    def __init__(
        self, files: ResultFiles, hours: HourMarks, clock: Clock, *, kept_lines: Callable[[str, bytes], bytes]
    ) -> None:
        """`kept_lines` returns a workspace's records without the people that were erased since."""
        self._kept_lines = kept_lines
        self._files = files
        self._hours = hours
        self._clock = clock

    def serve(self, deliveries: Sequence[Delivery], *, until: float) -> list[str]:
        """Write what can be read until `until` (epoch seconds); the rest comes again, and what cannot be read, too.

        The queue lays that aside itself: nobody but this service sends to it.
        """
        returned = list[str]()
        filling: dict[Hour, AnswersObject] = {}
        for delivery in deliveries:
            read = self._read(delivery) if self._clock() < until else None
            if read is None:
                returned.append(delivery.message_id)
                continue
            hour, lookup_id, lines = read
            one = filling.setdefault(hour, AnswersObject())
            one.add(delivery, lookup_id, lines)
            if one.size >= OBJECT_BYTES:
                returned += self._write({hour: filling.pop(hour)})
        return returned + self._write(filling)

    def _read(self, delivery: Delivery) -> tuple[Hour, str, bytes] | None:
        try:
            answer = Answer.of_message(delivery.body)
            hour, lines = Hour.of(answer.workspace, answer.at), answer.lines()
            return hour, answer.lookup_id, self._kept_lines(answer.workspace, lines)
        except InvalidInput as fault:
            logger.error("answer unreadable", message_id=delivery.message_id, error=error_name(fault))
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("answers returned", answers=1, error=error_name(error))
        return None

    def _write(self, filled: Mapping[Hour, AnswersObject]) -> list[str]:
        """Write objects; return the ids of the messages whose object is not written."""
        returned = list[str]()
        for hour, one in filled.items():
            try:
                self._hours.note(hour.workspace, hour.start)
                self._files.write_answers(hour, one.lookup_ids, one.body())
            except (ServiceError, BotoCoreError, ClientError) as error:
                logger.warning("answers returned", answers=len(one.message_ids), error=error_name(error))
                returned += one.message_ids
        return returned
