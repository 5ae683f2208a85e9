"""What an identifier costs in AWS requests, read units and CPU, as rosters and the number of lookups grow.

The speed of a processor changes from minute to minute, by more than what is looked for. CPU is therefore measured in
units of the same fifty calls of DynamoDB, made beside every part, and the points take turns.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import fsum
from statistics import median
from typing import Any

import on_queue
import on_request
from infra.local.ministack.process import EmbeddedAws
from lookup.ledger.items import lookup_key, record_item, serialize
from lookup.ledger.model import RecordedPart
from lookup.model import PART_LIMIT, Counts, RosterRange
from tests.benchmarks.cost.scenarios import posted
from tests.benchmarks.cost.stage import UNHURRIED, as_functions
from tests.benchmarks.cost.units import item_size, read_units
from tests.benchmarks.light.serving import serve
from tests.benchmarks.light.stage import ample_stage
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

SIZES = (1_000, 10_000, 100_000, 1_000_000)  # lines of one roster
LOOKUPS = (1, 10, 100, 1_000)  # active at once, of one partner
WHOLE = 20  # parts up to which a roster is served whole
SAMPLE = 8  # parts at the beginning and at the end of a longer one
BATCH = 25  # items of one BatchWriteItem
TURNS = 3  # of all points; the median counts
UNIT_CALLS = 50  # of DynamoDB, a unit of CPU
HEADER, NAME = "customer_id\n", "customer-{:07}\n"
WARMING = 9_000_000  # the first number of the users by whom a stage is warmed: no point asks for them


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one identifier: requests to AWS, read units of DynamoDB, CPU seconds; `number` is what grows."""

    number: int
    requests: float
    read_units: float
    cpu: float

    def to_json(self) -> dict[str, float]:
        """Return it by name."""
        return {
            "number": self.number,
            "requests": round(self.requests, 4),
            "read_units": round(self.read_units, 4),
            "cpu_ms": round(1000 * self.cpu, 4),
        }


@dataclass(frozen=True, slots=True)
class Growth:
    """The curves: by lines of a roster, and by active lookups."""

    sizes: Sequence[Cost]
    lookups: Sequence[Cost]

    @property
    def ratio(self) -> float:
        """Return how much dearer the dearest point of a curve is than its cheapest, of the worst curve."""
        return round(max(spread(curve, of) for curve in (self.sizes, self.lookups) for of in MEASURES), 3)


MEASURES: tuple[Callable[[Cost], float], ...] = (lambda c: c.requests, lambda c: c.read_units, lambda c: c.cpu)


def spread(curve: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """Return the largest value of a curve in units of its smallest."""
    values = [of(one) for one in curve]
    return max(values) / min(values)


@dataclass(frozen=True, slots=True)
class Piece:
    """A submission or a part: CPU seconds of it, for one identifier, and those of a unit right after."""

    cpu: float
    unit: float

    @property
    def units(self) -> float:
        """Return its CPU in units."""
        return self.cpu / self.unit


@dataclass(frozen=True, slots=True)
class Measured:
    """A point in one turn: its cost but for CPU, and the pieces of work that its CPU is the sum of."""

    cost: Cost
    pieces: Sequence[Piece]


def measured(server: EmbeddedAws, sizes: Sequence[int] = SIZES, lookups: Sequence[int] = LOOKUPS) -> Growth:
    """Measure every point on stages of its own, in turns."""
    points = [partial(_of_size, server, size) for size in sizes] + [partial(_of_lookups, server, n) for n in lookups]
    turns = [[point() for point in points] for _ in range(TURNS)]
    costs = medians(turns)
    return Growth(costs[: len(sizes)], costs[len(sizes) :])


def medians(turns: Sequence[Sequence[Measured]]) -> list[Cost]:
    """Return each point's cost: CPU is the sum of each piece's median in units, in seconds of the median unit."""
    second = median(piece.unit for turn in turns for point in turn for piece in point.pieces)
    return [replace(same[0].cost, cpu=second * _units(same)) for same in zip(*turns, strict=True)]


def _units(same: Sequence[Measured]) -> float:
    """Return the CPU of one point, which was measured in several turns."""
    pieces = zip(*(point.pieces for point in same), strict=True)
    return fsum(median(piece.units for piece in again) for again in pieces)


class _Count:
    """Requests and read units of all that the functions of this process ask of AWS, and what their work takes."""

    def __init__(self) -> None:
        self.begin()
        for handler in (on_request, on_queue):
            handler.services().session.events.register("after-call.*", self._note)

    def begin(self) -> None:
        """Count from here; what earlier stages left is no longer visited when garbage is collected."""
        self.requests, self.read_units = 0, 0.0
        self.pieces: list[Piece] = []
        gc.collect()
        gc.freeze()

    def _note(self, model: Any, parsed: Any, **_: Any) -> None:
        self.requests += 1
        if model.service_model.service_name != "dynamodb":
            return
        if model.name == "Query":
            self.read_units += read_units(sum(map(item_size, parsed["Items"])), consistent=True)
        elif model.name == "GetItem":
            self.read_units += read_units(item_size(parsed.get("Item", {})), consistent=True)
        elif model.name == "BatchGetItem":
            self.read_units += sum(
                read_units(item_size(one), consistent=True) for items in parsed["Responses"].values() for one in items
            )

    def note_work(self, cpu: float, identifiers: int, stage: Stage) -> None:
        """Note a piece of work that has just been done for so many identifiers."""
        self.pieces.append(Piece(cpu / identifiers, _unit(stage)))


@contextmanager
def _stage(server: EmbeddedAws) -> Iterator[tuple[Stage, _Count]]:
    with ample_stage(server, UNHURRIED) as deployed, as_functions(deployed.stage):
        count = _Count()
        _submit(deployed.stage, PART_LIMIT, count, first=WARMING)
        _serve(deployed.stage, count, PART_LIMIT, 1)  # clients are made, models read: starts are measured elsewhere
        count.begin()
        yield deployed.stage, count


def _of_size(server: EmbeddedAws, size: int) -> Measured:
    """Serve a roster of so many lines; of a long one the first and the last parts, and count them for all of it."""
    parts = size // PART_LIMIT
    with _stage(server) as (stage, count):
        lookup_id = _submit(stage, size, count)
        submission = count.requests, count.read_units
        served = parts if parts <= WHOLE else 2 * SAMPLE
        _serve(stage, count, served * PART_LIMIT, served if parts <= WHOLE else SAMPLE)
        if parts > WHOLE:
            before = count.requests
            _skip(stage, lookup_id, size)
            count.requests = before
            _serve(stage, count, served * PART_LIMIT, SAMPLE)
        requests, units = (
            (total - first) / (served * PART_LIMIT) + first / size
            for total, first in zip((count.requests, count.read_units), submission, strict=True)
        )
        return Measured(Cost(size, requests, units, 0.0), count.pieces)


def _of_lookups(server: EmbeddedAws, number: int) -> Measured:
    """Serve parts while so many lookups of one partner are active."""
    with _stage(server) as (stage, count):
        first = _submit(stage, 20 * PART_LIMIT, count)
        ledger = on_request.services().whole.lookups
        record = ledger.get(first)
        if record is None:
            raise RuntimeError("the lookup is not in the ledger")
        for other in range(1, number):  # over the same roster, which need not be read again
            ledger.submit(replace(record.spec, lookup_id=f"{first}-{other:04}"))
        count.begin()
        served = 2 * SAMPLE * PART_LIMIT
        _serve(stage, count, served, 2 * SAMPLE)
        return Measured(Cost(number, count.requests / served, count.read_units / served, 0.0), count.pieces)


def _submit(stage: Stage, size: int, count: _Count, *, first: int = 0) -> str:
    roster_id = f"{first + size:032x}"
    key = f"rosters/acme/{roster_id}"
    bucket = stage.settings.bucket_name
    if "Contents" not in stage.s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1):
        body = HEADER + "".join(NAME.format(number) for number in range(first, first + size))
        stage.s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    started = time.process_time()
    answer = on_request.handler(posted({"roster_id": roster_id}), LambdaContext())
    took = time.process_time() - started
    count.note_work(took, size, stage)
    if answer["statusCode"] != 202:
        raise RuntimeError(f"not submitted: {answer['statusCode']}")
    return str(answer["headers"]["Location"]).rpartition("/")[2]


def _serve(stage: Stage, count: _Count, identifiers: int, parts: int) -> None:
    """Serve so many parts, of a point that counts so many identifiers."""
    for _ in range(parts):
        count.note_work(serve(stage), identifiers, stage)


def _unit(stage: Stage) -> float:
    """Return the CPU seconds of reading an item that does not exist, fifty times."""
    started = time.process_time()
    for _ in range(UNIT_CALLS):
        stage.dynamodb.get_item(TableName=stage.settings.ledger_table_name, Key=lookup_key("none", "cursor"))
    return time.process_time() - started


def _skip(stage: Stage, lookup_id: str, size: int) -> None:
    """Write the ledger as it is when all but the last parts of a roster are fed and served."""
    table, client = stage.settings.ledger_table_name, stage.dynamodb
    cursor = client.get_item(TableName=table, Key=lookup_key(lookup_id, "cursor"))["Item"]
    fed, left = int(cursor["parts_fed"]["N"]), SAMPLE - 2  # two parts are on the queue
    parts = size // PART_LIMIT - left
    line_bytes = len(NAME.format(0))
    moved = {"at": len(HEADER) + parts * PART_LIMIT * line_bytes, "line": parts * PART_LIMIT + 2}
    moved |= {"parts_fed": parts, "entries_fed": parts * PART_LIMIT}
    client.put_item(TableName=table, Item={**cursor, **serialize(moved)})
    skipped = range(fed + 1, parts + 1)
    _count_as_served(stage, lookup_id, len(skipped))
    _write_records(stage, lookup_id, skipped)


def _count_as_served(stage: Stage, lookup_id: str, parts: int) -> None:
    adding = {"requested": parts * PART_LIMIT, "found": parts * PART_LIMIT, "parts_done": parts}
    stage.dynamodb.update_item(
        TableName=stage.settings.ledger_table_name,
        Key=lookup_key(lookup_id, "counts"),
        UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in adding),
        ExpressionAttributeNames={f"#{name}": name for name in adding},
        ExpressionAttributeValues=serialize({f":{name}": number for name, number in adding.items()}),
    )


def _write_records(stage: Stage, lookup_id: str, numbers: Sequence[int]) -> None:
    counts = Counts(PART_LIMIT, found=PART_LIMIT)
    items = [
        record_item(lookup_id, RecordedPart(f"{one:08}", counts, f"parts/{one}", 0.0, RosterRange(0, 0, 1)))
        for one in numbers
    ]
    for start in range(0, len(items), BATCH):
        puts: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + BATCH]]
        stage.dynamodb.batch_write_item(RequestItems={stage.settings.ledger_table_name: puts})
