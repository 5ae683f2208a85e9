"""A lookup that has ended, as workers leave it: objects of a hundred records of 2 KB, and the ledger's items."""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lookup.ledger.items import cursor_facts, lookup_key, record_item, serialize, spec_item
from lookup.ledger.model import Cursor, LookupSpec, RecordedPart, Roster
from lookup.model import PART_LIMIT, Counts, RosterRange
from lookup.results.files import result_key
from tests.lookup.stage import Stage

if TYPE_CHECKING:
    from lookup.ledger.items import Item

LOOKUP_ID, FEW = "lookup-bench", "lookup-few"
DIFFERENT = 200  # bodies; each is used again and again under other identifiers
RECORD_BYTES = 2000
WRITERS = 4  # objects that are written at once: the embedded S3 has a process of its own
CHUNK = 500  # parts that are written between two lines of progress, if it is time
BATCH = 25  # items that BatchWriteItem takes
TELL_EVERY = 15.0  # seconds


def seed(stage: Stage, records: int, lookup_id: str = LOOKUP_ID) -> LookupSpec:
    """Write the parts and the ledger's items of a lookup of so many found users, a tenth of whom changed."""
    now = time.time()
    spec = LookupSpec(lookup_id, "default", "acme", now, Roster("rosters/none", None, 1, records))
    parts = math.ceil(records / PART_LIMIT)
    counts = {"requested": records, "found": records, "not_found": 0, "invalid": 0, "failed": 0}
    cursor = Cursor(exhausted=True, parts_fed=parts, entries_fed=records)
    items = [
        spec_item(spec),
        lookup_key(lookup_id, "state") | serialize({"is": "completed", "finished_at": now}),
        lookup_key(lookup_id, "cursor") | serialize(cursor_facts(cursor)),
        lookup_key(lookup_id, "counts") | serialize({**counts, "parts_done": parts}),
    ]
    attributes = attributes_of_users(min(parts, DIFFERENT))

    def written(part: int) -> Item:
        number, size = f"{part:08}", min(PART_LIMIT, records - (part - 1) * PART_LIMIT)
        key = result_key("default", lookup_id, number, now)
        body = gzip.compress(_body(lookup_id, number, attributes[part % len(attributes)][:size]), 4, mtime=0)
        stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=key, Body=body)
        return record_item(lookup_id, RecordedPart(number, Counts(size, size), key, now, RosterRange(0, 1, 1)))

    told = time.time()
    with ThreadPoolExecutor(WRITERS) as writers:
        for start in range(1, parts + 1, CHUNK):
            chunk = range(start, min(start + CHUNK, parts + 1))
            _put_items(stage, list(writers.map(written, chunk)))
            if time.time() > told + TELL_EVERY:
                told = time.time()
                sys.stderr.write(f"seeded {chunk.stop * PART_LIMIT:,} of {records:,} records\n")
    _put_items(stage, items)  # last: a lookup that has ended has all its parts
    return spec


def _put_items(stage: Stage, items: Sequence[Item]) -> None:
    name = stage.settings.ledger_table_name
    for start in range(0, len(items), BATCH):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]
        answer = stage.dynamodb.batch_write_item(RequestItems={name: requests})  # type: ignore[dict-item]  # ours
        if answer.get("UnprocessedItems"):
            raise RuntimeError("the embedded DynamoDB left items unwritten")


def _body(lookup_id: str, number: str, attributes: list[str]) -> bytes:
    lines = []
    for place, held in enumerate(attributes):
        told = {
            "schema_version": 1, "lookup_id": lookup_id, "part": number, "correlation_id": None, "line": None,
            "changed": place % 10 == 0, "identifier_type": "customer_id", "identifier": f"C-{number}-{place:03}",
            "outcome": "found", "reason": None, "source": "moengage", "fetched_at": "2026-11-24T09:30:00.000000Z",
            "changed_fields": ["u_em"] if place % 10 == 0 else [], "replaced_fields": [],
        }  # fmt: skip
        lines.append(f'{json.dumps(told, separators=(",", ":"))[:-1]},"user_attributes":{held}}}\n')
    return "".join(lines).encode()


def attributes_of_users(parts: int = DIFFERENT) -> list[list[str]]:
    """Make the attributes of so many parts: words and numbers, some 1,650 bytes for each user."""
    drawn = random.Random(16)
    words = ["".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=drawn.randint(3, 9))) for _ in range(3000)]
    return [[_user(drawn, words) for _ in range(PART_LIMIT)] for _ in range(parts)]


def _user(drawn: random.Random, words: list[str]) -> str:
    held: dict[str, object] = {}
    size = 0
    while size < RECORD_BYTES - 350:
        value = drawn.choice([" ".join(drawn.choices(words, k=3)), drawn.randint(0, 10**9), True])
        name = drawn.choice(words)
        held[name] = value
        size += len(name) + len(str(value)) + 6
    return json.dumps(held, separators=(",", ":"))
