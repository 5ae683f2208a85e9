"""Hours as they come about: answers at once, messages of the intake queue, deliveries in any grouping, collectors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

import duckdb

from lookup.bulk.hour_requests import HourRequests
from lookup.bulk.queues import Delivery
from lookup.bulk.recording import CompletionRecorder
from lookup.collection.collection_result import CollectionResult
from lookup.collection.files import Format
from lookup.collection.hours.collector import HourCollector
from lookup.collection.hours.objects import HourObjects
from lookup.collection.upload import Uploads
from lookup.ledger.collecting.collected_hours import CollectedHour, HourLedger
from lookup.ledger.collecting.hour_marks import HOUR, LATENESS, SETTLING, Hour
from lookup.ledger.parts import Counted
from lookup.model import Outcome, Part, timestamp
from lookup.results.answers import PART, Answer, AnswerRecords
from lookup.results.files import ON_DEMAND, Record, ndjson, packed
from lookup.wiring.collection import HOUR_WRITERS
from tests.lookup.services import BulkServices, customer
from tests.lookup.stage import Stage

MINUTES = 900.0
Row = tuple[str, str, str]  # lookup, part, identifier


def answer_id(number: int) -> str:
    """Name an answer at once."""
    return f"{ON_DEMAND}{number:032x}"


def message_id(number: int) -> str:
    """Name a message of the intake queue, as SQS does."""
    return str(UUID(int=number))


class HourWorld(BulkServices):
    """Services whose hours a test fills and collects; its clock begins at the start of an hour."""

    def __init__(self, stage: Stage, *, keeps_profiles: bool = True, set_records: int = 1_000_000) -> None:
        super().__init__(stage)
        self.clock.now = float(Hour.of("default", self.clock()).start)
        self.hour = Hour.of("default", self.clock())
        self.published: list[tuple[Hour, CollectedHour]] = []
        self.hours = HourLedger(self.table)
        self.collector = self.collector_of(keeps_profiles=keeps_profiles, set_records=set_records)
        url = stage.settings.answers_queue_url
        self.answers = AnswerRecords(self.sqs, url, self.archive, self.hour_marks)
        self.worker_of_answers = self.answers_worker
        self.requests = HourRequests(self.sqs, stage.settings.results_queue_url, self.hour_marks)

    def collector_of(self, *, keeps_profiles: bool = True, set_records: int = 1_000_000) -> HourCollector:
        s3, bucket = self.stage.s3, self.stage.settings.bucket_name
        return HourCollector(
            hours=self.hours,
            objects=HourObjects(s3, bucket, self.hours),
            uploads=Uploads(s3, bucket),
            writers=HOUR_WRITERS,
            publish=lambda hour, one: self.published.append((hour, one)),
            keeps_profiles=lambda _: keeps_profiles,
            clock=self.clock,
            set_records=set_records,
        )

    @cached_property
    def recorder(self) -> CompletionRecorder:
        return CompletionRecorder(
            archive=self.archive, parts=self.part_ledger, hours=self.hour_marks, publish_changed=lambda _: None
        )

    def message(self, number: int, outcomes: Sequence[Outcome], *, at: float | None = None) -> str:
        """Write an answer at once as a message of its queue."""
        moment = self.hour.start if at is None else at
        lines = ndjson(answer_id(number), [Record(PART, one) for one in outcomes])
        return Answer("default", answer_id(number), moment, packed(lines)).to_message()

    def deliver(self, bodies: Iterable[str], *, seconds: float = 60.0) -> list[str]:
        """Have a batch of answers archived; return what is to come again."""
        deliveries = [
            Delivery(f"m-{place}", body, "r", 1, self.clock(), "answers") for place, body in enumerate(bodies)
        ]
        return self.worker_of_answers.serve(deliveries, until=self.clock() + seconds)

    def processed(self, number: int, outcomes: Sequence[Outcome], *, at: float | None = None) -> Counted:
        """Return a processed message of the intake queue."""
        sent = self.hour.start if at is None else at
        name = f"intake-{timestamp(sent)[:10]}"
        part = Part(name, message_id(number), "default", (customer(str(number)),), sent, sent)
        return Counted(part, outcomes)

    def record(self, *group: Counted, dies_before_ledger: bool = False) -> None:
        """Archive messages that were processed together, and count them unless the function dies between."""
        if dies_before_ledger:
            self.hour_marks.note("default", min(one.part.fed_at for one in group))
            self.recorder._write(group)  # noqa: SLF001 - what it does before the ledger
        else:
            self.recorder.record(list(group))

    def collect(self, hour: Hour | None = None, *, seconds: float = MINUTES) -> CollectionResult:
        return self.collector.collect(hour or self.hour, until=self.clock() + seconds)

    def pass_hours(self, hours: int = 1) -> list[Hour]:
        """Let time go on, minute's tick by minute's tick; collect what is asked for, and return it."""
        done: list[Hour] = []
        for _ in range(hours):
            self.clock.now = float((int(self.clock()) // HOUR + 1) * HOUR + LATENESS + SETTLING + 1)
            self.requests.ask_for_settled()
            for message in self.stage.messages(self.stage.settings.results_queue_url or ""):
                asked = json.loads(message["Body"])
                done.append(Hour.named(asked["workspace"], asked["hour"]))
                self.collect(done[-1])
        return done

    def records(self, only: str | None = None, *, days: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Return what the NDJSON files of some days' hours hold, or of all."""
        folder = f"/{Format.NDJSON.value}{'-' + only if only else ''}/"
        keys = [key for key in self.stage.keys("results/") if folder in key]
        if days is not None:
            keys = [key for key in keys if any(f"/dt={day}/" in key for day in days)]
        return [json.loads(line) for key in keys for line in gzip.decompress(self.body(key)).splitlines()]

    def rows(self, days: Collection[str] | None = None) -> list[Row]:
        """Return the records of some days, or of all."""
        return sorted((one["lookup_id"], one["part"], one["identifier"]) for one in self.records(days=days))

    def body(self, key: str) -> bytes:
        return self.stage.s3.get_object(Bucket=self.stage.settings.bucket_name, Key=key)["Body"].read()

    def collected(self, hour: Hour | None = None) -> CollectedHour:
        one = self.hours.read(hour or self.hour)
        assert one is not None
        return one

    def manifest(self, hour: Hour | None = None) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body(self.collected(hour).manifest or ""))
        return read

    def parquet(self, tmp: Any, columns: str) -> list[tuple[Any, ...]]:
        """Read the Parquet files of all hours with DuckDB."""
        keys = [key for key in self.stage.keys("results/") if "/parquet/" in key]
        for place, key in enumerate(keys):
            (tmp / f"{place}.parquet").write_bytes(self.body(key))
        return duckdb.connect().execute(f"SELECT {columns} FROM '{tmp}/*.parquet' ORDER BY ALL").fetchall()  # noqa: S608 - ours
