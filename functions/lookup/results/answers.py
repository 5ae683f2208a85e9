"""Outcomes of answers at once, on their way to S3: through a queue, many in one object, or as objects of their own.

SQS has stored a message on several machines when it acknowledges it, as S3 has an object; a message costs a tenth:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lookup import exact_json
from lookup.aws.errors import error_name
from lookup.errors import InvalidInput
from lookup.ledger.collecting.hour_marks import Hour, HourMarks
from lookup.results.files import Record, ResultFiles, ndjson, packed
from lookup.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PART = "000001"
# SQS takes 1 MiB, and bills each 64 KiB begun as a request: beyond this an object is cheaper.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MESSAGE_BYTES = 256 * 1024
GZIP = 31  # window bits of zlib that mean gzip's header
RECORDS_BYTES = 1024 * 1024  # of a message, unpacked: what a worker has in memory; a larger response has a link to S3


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one answer: gzip NDJSON; `at` is when it was asked (epoch seconds)."""

    workspace: str
    lookup_id: str
    at: float
    records: bytes

    def to_message(self) -> str:
        """Write it as a message: SQS takes no bytes, and not every character of JSON."""
        facts = {"workspace": self.workspace, "lookup_id": self.lookup_id, "at": self.at}
        return exact_json.dumps(facts | {"records": base64.b64encode(self.records).decode()}).decode()

    @classmethod
    def of_message(cls, body: str) -> Answer:
        """Read what `to_message` wrote. Raises `InvalidInput`."""
        try:
            match exact_json.loads(body):
                case {"workspace": str(name), "lookup_id": str(lookup_id), "at": at, "records": str(records)}:
                    answer = cls(name, lookup_id, float(str(at)), base64.b64decode(records, validate=True))
                    _ = Hour.of(name, answer.at).name  # no time of a calendar has none
                    return answer
        except (ValueError, OverflowError, OSError):
            pass
        raise InvalidInput("body", "must be an answer's workspace, lookup_id, at and records")

    def lines(self) -> bytes:
        """Unpack the records, which are bounded. Raises `InvalidInput`."""
        unpacking = zlib.decompressobj(GZIP)
        try:
            lines = unpacking.decompress(self.records, RECORDS_BYTES + 1)
        except zlib.error:
            raise InvalidInput("records", "must be gzip") from None
        if not unpacking.eof or len(lines) > RECORDS_BYTES:
            raise InvalidInput("records", f"must be whole, and {RECORDS_BYTES:,} bytes unpacked at most")
        return lines


class AnswerRecords:
    """Keeps the records of answers at once: on the queue of `queue_url`, without one always as objects."""

    def __init__(self, client: SQSClient, queue_url: str | None, files: ResultFiles, hours: HourMarks) -> None:
        self._client = client
        self._queue_url = queue_url
        self._files = files
        self._hours = hours

    def keep(self, workspace: str, lookup_id: str, at: float, records: Sequence[Record]) -> str | None:
        """Store the records for good; return the key if they have an object of their own."""
        lines = ndjson(lookup_id, records)
        if len(lines) <= RECORDS_BYTES and self._is_sent(Answer(workspace, lookup_id, at, packed(lines)).to_message()):
            return None
        return self.keep_as_object(workspace, lookup_id, at, records)

    def keep_as_object(self, workspace: str, lookup_id: str, at: float, records: Sequence[Record]) -> str:
        """Store the records as an object, which counts instead of a message of the same lookup. Return its key."""
        self._hours.note(workspace, at)
        return self._files.write(workspace=workspace, lookup_id=lookup_id, name=PART, fed_at=at, records=records)

    def _is_sent(self, message: str) -> bool:
        """Send a message; false of one that is too large, and when SQS does not take it: then S3 may."""
        if self._queue_url is None or len(message) > MESSAGE_BYTES:
            return False
        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=message)
        except (BotoCoreError, ClientError) as error:
            logger.warning("answer not queued", error=error_name(error))
            return False
        return True
