"""What the results queue's handler adds: the only wiring that loads PyArrow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from botocore.config import Config

from lookup.collection.collector import Collector
from lookup.collection.file_sets import MakeWriter
from lookup.collection.files import CSV_WITH_MARK, Format
from lookup.collection.gzip_files import NdjsonFile
from lookup.collection.parquet import ParquetFile
from lookup.collection.part_objects import AHEAD, PartObjects
from lookup.collection.queue import ResultsQueue
from lookup.collection.spreadsheet import CsvFile
from lookup.collection.upload import Uploads
from lookup.collection.worker import CollectionWorker
from lookup.ledger.collections import CollectionLedger
from lookup.wiring.clients import S3_CONFIG
from lookup.wiring.services import Services

# A piece of 16 MiB takes longer than what other functions ask of S3; as many connections as objects are read at once.
PATIENT = S3_CONFIG.merge(Config(read_timeout=30, max_pool_connections=AHEAD + 2))
WRITERS: Mapping[Format, MakeWriter] = {
    Format.NDJSON: lambda upload, _: NdjsonFile(upload),
    Format.PARQUET: lambda upload, _: ParquetFile(upload),
    Format.CSV: lambda upload, spec: CsvFile(upload, spec.fields, byte_order_mark=CSV_WITH_MARK in spec.formats),
}


class CollectionServices(Services):
    """The services of `on_results`."""

    writers = WRITERS

    @cached_property
    def collections(self) -> CollectionLedger:
        return CollectionLedger(self.table)

    @cached_property
    def collector(self) -> Collector:
        s3 = self._client("s3", PATIENT)
        return Collector(
            ledger=self.lookups,
            collections=self.collections,
            parts=PartObjects(s3, self.settings.bucket_name, self.collections),
            uploads=Uploads(s3, self.settings.bucket_name),
            writers=self.writers,
            publish=self.events.publish_ready,
            keeps_profiles=lambda name: self.settings.workspace(name).keep_profiles,
            clock=self.clock,
        )

    @cached_property
    def collection_worker(self) -> CollectionWorker:
        urls = self.settings.results_queue_url, self.settings.results_dead_letter_queue_url
        return CollectionWorker(self.collector, ResultsQueue(self.sqs, *urls, self.clock))
