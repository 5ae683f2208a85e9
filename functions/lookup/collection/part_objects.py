"""The result objects of a lookup's parts, read in the order of the roster and held against what the ledger counts."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from lookup.collection.errors import Gone, Unequal
from lookup.collection.formats.rows import Row, counts_of, row_of
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.model import RecordedPart

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AHEAD = 8  # objects that are fetched while others are written


class PartRows(NamedTuple):
    """A part and its rows; one that was lost with its roster has none."""

    record: RecordedPart
    rows: list[Row]


class PartObjects:
    """Reads parts of one bucket; several objects at once, for S3 takes its time over each."""

    def __init__(self, client: S3Client, bucket_name: str, collections: CollectionLedger) -> None:
        self._client = client
        self._bucket = bucket_name
        self._collections = collections
        self._readers = ThreadPoolExecutor(AHEAD)

    def after(self, lookup_id: str, number: str) -> Iterator[PartRows]:
        """Read the parts behind the one of this number, in order. Raises `Unequal` and `Gone`."""
        under_way: deque[tuple[RecordedPart, Future[bytes] | None]] = deque()
        try:
            for record in self._collections.records(lookup_id, after=number):
                body = self._readers.submit(self._body, record.key) if record.key else None
                under_way.append((record, body))
                if len(under_way) > AHEAD:
                    yield _read(*under_way.popleft())
            while under_way:
                yield _read(*under_way.popleft())
        finally:
            for _, left in under_way:
                if left is not None:
                    left.cancel()
                    with suppress(Exception):  # what nobody asks for any more is nobody's fault
                        left.cancelled() or left.result()

    def _body(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()


def _read(record: RecordedPart, body: Future[bytes] | None) -> PartRows:
    if body is None:
        return PartRows(record, [])
    try:
        rows = _rows_of(body.result(), record.number)
    except ClientError as error:
        # Not AccessDenied: the role may list the bucket, so that S3 answers NoSuchKey of a key that there is not.
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise Gone(f"the object of part {record.number} is gone") from None
    if rows is None or not _is_counted(rows, record):
        raise Unequal(f"the object of part {record.number} holds other counts than the ledger")
    return PartRows(record, rows)


def _rows_of(packed: bytes, number: str) -> list[Row] | None:
    try:
        lines = gzip.decompress(packed).split(b"\n")
        return [row for row in map(row_of, filter(None, lines)) if row.facts["part"] == number]
    except (EOFError, KeyError, OSError, TypeError, ValueError, zlib.error):
        return None


def _is_counted(rows: list[Row], record: RecordedPart) -> bool:
    try:
        return counts_of(rows) == record.counts
    except (KeyError, TypeError):  # a record without an outcome, or of an unknown one
        return False
