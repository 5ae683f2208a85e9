"""The objects of an hour that belong to no lookup with an end, and which of their records count: each record once.

The ledger names the object of each part of the intake queue; another grouping of the same messages leaves the part in a
second object, also of another hour, and there it does not count. An answer at once counts where it is met first: an
object of its own before those of the queue, which an error between two writers may have made untrue.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from lookup.collection.errors import Unequal
from lookup.collection.formats.rows import Row, counts_of, row_of
from lookup.ledger.collecting.collected_hours import HourLedger
from lookup.ledger.collecting.hour_marks import Hour
from lookup.ledger.model import RecordedPart
from lookup.results.files import ANSWERS, INTAKE, ON_DEMAND, hour_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AHEAD = 10  # objects that are fetched while others are written: as many as DynamoDB's client has connections
# A schedule of a partner may be called like this, and its lookups too; their objects end in the number of a part.
NAMES = {
    ON_DEMAND: re.compile(r"[0-9a-f]{32}-000001"),
    ANSWERS: re.compile(r"[0-9a-f]{32}"),
    INTAKE: re.compile(r"\d{4}-\d\d-\d\d-(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
}
ENDING = ".ndjson.gz"


class Fetched(NamedTuple):
    """An object as it is packed, and of the intake queue's what the ledger counts of its parts, by number."""

    key: str
    body: bytes
    known: Mapping[str, RecordedPart] | None


class HourObjects:
    """Reads objects of one bucket; several at once, for S3 takes its time over each."""

    def __init__(self, client: S3Client, bucket_name: str, ledger: HourLedger) -> None:
        self._client = client
        self._bucket = bucket_name
        self._ledger = ledger
        self._readers = ThreadPoolExecutor(AHEAD)

    def rows(self, hour: Hour, left_out: Callable[[str], object] = lambda _: None) -> Iterator[list[Row]]:
        """Read the records of an hour that count, object by object, always in the same order. Raises `Unequal`.

        `left_out` is called with the key of each object of which some records do not count.
        """
        seen: set[str] = set()  # lookups that were answered at once
        for one in self._read(hour):
            rows = _parsed(one.key, one.body)
            if one.known is None:
                kept = [row for own in _answers(rows) if _is_new(seen, own) for row in own]
            else:
                kept = _counted(one.key, rows, one.known)
            if len(kept) < len(rows):
                left_out(one.key)
            yield kept

    def _read(self, hour: Hour) -> Iterator[Fetched]:
        under_way: deque[Future[Fetched]] = deque()
        try:
            for key in self._keys(hour):
                is_intake = key.removeprefix(hour_prefix(hour)).startswith(INTAKE)
                under_way.append(self._readers.submit(self._fetched, key, is_intake=is_intake))
                if len(under_way) > AHEAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for left in under_way:
                left.cancel()
                with suppress(Exception):  # what nobody asks for any more is nobody's fault
                    left.cancelled() or left.result()

    def _keys(self, hour: Hour) -> Iterator[str]:
        """List the objects, in the order in which they count; S3 lists keys in theirs."""
        for kind, name in NAMES.items():
            prefix = hour_prefix(hour) + kind
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                keys = (entry["Key"] for entry in page.get("Contents", []))
                yield from (
                    key
                    for key in keys
                    if key.endswith(ENDING) and name.fullmatch(key.removeprefix(prefix).removesuffix(ENDING))
                )

    def _fetched(self, key: str, *, is_intake: bool) -> Fetched:
        """Fetch an object, and what the ledger counts of its parts. Raises `Unequal`.

        The rows are parsed once more by who takes them: packed, several objects do not fill the memory.
        """
        body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        if not is_intake:
            return Fetched(key, body, None)
        parts: dict[str, set[str]] = {}
        for row in _parsed(key, body):
            parts.setdefault(str(row.facts["lookup_id"]), set()).add(str(row.facts["part"]))
        if len(parts) > 1:
            raise Unequal(f"{key} holds records of {len(parts)} lookups")
        known = [self._ledger.parts(lookup_id, sorted(numbers)) for lookup_id, numbers in parts.items()]
        return Fetched(key, body, known[0] if known else {})


def _counted(key: str, rows: list[Row], known: Mapping[str, RecordedPart]) -> list[Row]:
    """Return the records of parts that the ledger counts in this object. Raises `Unequal`."""
    counted: list[Row] = []
    for number, own in groupby(rows, key=lambda row: str(row.facts["part"])):
        record, records = known.get(number), list(own)
        if record is None or record.key != key:
            continue
        if counts_of(records) != record.counts:
            raise Unequal(f"{key} holds other counts of a part than the ledger")
        counted += records
    return counted


def _parsed(key: str, body: bytes) -> list[Row]:
    try:
        return [row_of(line) for line in gzip.decompress(body).split(b"\n") if line]
    except (EOFError, OSError, ValueError, zlib.error):
        raise Unequal(f"{key} cannot be read") from None


def _answers(rows: Iterable[Row]) -> Iterator[list[Row]]:
    for _, own in groupby(rows, key=lambda row: str(row.facts["lookup_id"])):
        yield list(own)


def _is_new(seen: set[str], rows: list[Row]) -> bool:
    lookup_id = str(rows[0].facts["lookup_id"])
    if lookup_id in seen:
        return False
    seen.add(lookup_id)
    return True
