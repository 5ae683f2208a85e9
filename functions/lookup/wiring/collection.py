"""What the results queue's handler adds: the only wiring that loads PyArrow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.config import Config

from lookup.collection.collector import Collector
from lookup.collection.exports.collected_rows import CollectedRows
from lookup.collection.exports.exporter import Exporter
from lookup.collection.file_sets import MakeWriter
from lookup.collection.files import Format
from lookup.collection.formats.gzip_files import NdjsonFile
from lookup.collection.formats.parquet import ParquetFile
from lookup.collection.formats.spreadsheet import CsvFile
from lookup.collection.hours.collector import HourCollector
from lookup.collection.hours.files import MakeHourWriter
from lookup.collection.hours.objects import AHEAD, HourObjects
from lookup.collection.hours.worker import ResultsWorker
from lookup.collection.part_objects import PartObjects
from lookup.collection.pulse import Hide, Pulse
from lookup.collection.queue import ResultsQueue
from lookup.collection.upload import Uploads
from lookup.collection.worker import CollectionWorker
from lookup.ledger.collecting.collected_hours import HourLedger
from lookup.ledger.collecting.collection_slots import CollectionSlots
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.collecting.export_ledger import ExportLedger
from lookup.ledger.collecting.hour_marks import Hour
from lookup.wiring.clients import S3_CONFIG
from lookup.wiring.pipeline.feeding import FeedingServices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A piece of 16 MiB takes longer than what other functions ask of S3; as many connections as objects are read at once.
PATIENT = S3_CONFIG.merge(Config(read_timeout=30, max_pool_connections=AHEAD + 2))
WRITERS: Mapping[Format, MakeWriter] = {
    Format.NDJSON: lambda upload, _: NdjsonFile(upload),
    Format.PARQUET: lambda upload, _: ParquetFile(upload),
    Format.CSV: lambda upload, spec: CsvFile(upload, spec.fields),
    Format.CSV_BOM: lambda upload, spec: CsvFile(upload, spec.fields, byte_order_mark=True),
}
HOUR_WRITERS: Mapping[Format, MakeHourWriter] = {Format.NDJSON: NdjsonFile, Format.PARQUET: ParquetFile}


class CollectionServices(FeedingServices):
    """The services of `on_results`."""

    writers = WRITERS
    hour_writers = HOUR_WRITERS

    @cached_property
    def collections(self) -> CollectionLedger:
        return CollectionLedger(self.table)

    @cached_property
    def slots(self) -> CollectionSlots:
        return CollectionSlots(self.table)

    @cached_property
    def patient_s3(self) -> S3Client:
        return self._client("s3", PATIENT)  # type: ignore[no-any-return]  # the client of S3

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(self.patient_s3, self.settings.bucket_name)

    @cached_property
    def collector(self) -> Collector:
        return Collector(
            ledger=self.lookups,
            collections=self.collections,
            parts=PartObjects(self.patient_s3, self.settings.bucket_name, self.collections),
            uploads=self.uploads,
            writers=self.writers,
            publish=self.events.publish_ready,
            keeps_profiles=lambda name: self.settings.workspace(name).keep_profiles,
            clock=self.clock,
            slots=self.slots,
        )

    @cached_property
    def exporter(self) -> Exporter:
        return Exporter(
            ledger=self.lookups,
            collections=self.collections,
            exports=ExportLedger(self.table, self.collections),
            rows=CollectedRows(self.patient_s3, self.settings.bucket_name),
            uploads=self.uploads,
            writers=self.writers,
            clock=self.clock,
            slots=self.slots,
        )

    def pulse(self, hide: Hide) -> Pulse:
        """Return the sign of life of one message."""
        return Pulse(hide, self.collections.beat, self.clock)

    @cached_property
    def hours(self) -> HourLedger:
        return HourLedger(self.table)

    @cached_property
    def hour_collector(self) -> HourCollector:
        return HourCollector(
            hours=self.hours,
            objects=HourObjects(self.patient_s3, self.settings.bucket_name, self.hours),
            uploads=self.uploads,
            writers=self.hour_writers,
            publish=self.events.publish_hour,
            keeps_profiles=lambda name: self.settings.workspace(name).keep_profiles,
            clock=self.clock,
        )

    @cached_property
    def results_queue(self) -> ResultsQueue:
        urls = self.settings.results_queue_url, self.settings.results_dead_letter_queue_url
        return ResultsQueue(self.sqs, *urls, self.clock)

    @cached_property
    def collection_worker(self) -> CollectionWorker:
        return CollectionWorker(self.collector, self.exporter, self.results_queue, self.pulse)

    @cached_property
    def results_worker(self) -> ResultsWorker:
        knows = self.settings.workspaces.__contains__
        return ResultsWorker(self.collection_worker, self.hour_collector, self.results_queue, knows, self.hour_pulse)

    def hour_pulse(self, hide: Hide, hour: Hour) -> Pulse:
        """Return the sign of life of one message that asks for an hour."""
        return Pulse(hide, lambda _, token, until: self.hours.beat(hour, token, until), self.clock)
