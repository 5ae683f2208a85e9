"""A month of collected hours, or a part of it: files of an hour's records, some of which hold people to erase."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lookup.collection.formats.gzip_files import NdjsonFile
from lookup.collection.formats.parquet import ParquetFile
from lookup.collection.formats.rows import Row, row_of
from tests.benchmarks.results.seeding import DIFFERENT, attributes_of_users
from tests.lookup.stage import Stage

HOUR = 60_000  # records of an hour at full quota: 1,000 users a minute
ONE = "erase-one"
HUNDRED = [f"erase-{number:03}" for number in range(100)]
# Of the month's files one in so many holds the one person, as a person who is looked up daily; every other one holds
# some of the hundred, as when their lookups are at any time: more are hardly possible.
FILES_OF_ONE, FILES_OF_MANY = 24, 2


def seed(stage: Stage, records: int, hour: int = HOUR) -> int:
    """Write so many records in files of an hour each; return how many files of each format, two or more.

    The first holds some of the hundred, the second the one person: a short run has smaller files, not fewer kinds.
    """
    hour = max(1, min(hour, records // 2))
    users = attributes_of_users(max(1, min(DIFFERENT, hour // 100)))
    bodies = {kind: _bodies(kind, hour, users) for kind in ("", "one", "many")}
    files, begin = records // hour, datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(files):
        at = begin + timedelta(hours=number)
        kind = "one" if number % FILES_OF_ONE == 1 else "many" if number % FILES_OF_MANY == 0 else ""
        _put(stage, f"results/workspace=default/dt={at:%Y-%m-%d}", f"hour-{at:%H}", bodies[kind], hour)
    return files


def _put(stage: Stage, folder: str, stem: str, bodies: dict[str, bytes], records: int) -> None:
    described: list[dict[str, Any]] = []
    for ending, body in bodies.items():
        written_as = ending.partition(".")[0]
        key = f"{folder}/{written_as}/{stem}-00001.{ending}"
        stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=body)
        facts = {"key": key, "format": written_as, "only": None, "records": records, "bytes": len(body)}
        described.append(facts | {"sha256": hashlib.sha256(body).hexdigest()})
    manifest = json.dumps({"files": described}).encode()
    key = f"{folder}/manifest/{stem}.manifest.json"
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=manifest)


def _bodies(kind: str, records: int, users: list[list[str]]) -> dict[str, bytes]:
    """Return a file of each format; of people as many as there are, anywhere in it."""
    people = {"one": [ONE], "many": HUNDRED}.get(kind, [])
    drawn = random.Random(f"{kind} {records}")
    places = dict(zip(drawn.sample(range(records), min(len(people), records)), people, strict=False))
    rows = [_row(number, places.get(number), users) for number in range(records)]
    return {"ndjson.gz": _written(NdjsonFile, rows), "parquet": _written(ParquetFile, rows)}


def _written(make: Any, rows: Sequence[Row]) -> bytes:
    sink = io.BytesIO()
    writer = make(sink)
    for start in range(0, len(rows), 100):
        writer.add(rows[start : start + 100])
    writer.close()
    return sink.getvalue()


def _row(number: int, person: str | None, users: list[list[str]]) -> Row:
    some = users[number // 100 % len(users)]
    told = {
        "schema_version": 1, "lookup_id": "intake-2026-11-01", "part": f"{number // 100:08}", "correlation_id": None,
        "line": None, "changed": number % 10 == 0, "identifier_type": "customer_id",
        "identifier": person or f"C-{number:09}", "outcome": "found", "reason": None, "source": "moengage",
        "fetched_at": "2026-11-01T09:30:00.000000Z", "changed_fields": [], "replaced_fields": [],
    }  # fmt: skip
    return row_of(f'{json.dumps(told, separators=(",", ":"))[:-1]},"user_attributes":{some[number % 100]}}}'.encode())
