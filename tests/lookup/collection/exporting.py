"""Exports in a world of lookups that a test ends: asked for as a partner does, and made as `on_results` makes them."""

from __future__ import annotations

import csv
import gzip
import io

from lookup.collection.collection_result import CollectionResult
from lookup.collection.exports.collected_rows import CollectedRows
from lookup.collection.exports.exporter import Exporter
from lookup.collection.exports.requested import ExportRequests
from lookup.collection.files import Format
from lookup.collection.published import PublishedFile, PublishedResults
from lookup.collection.upload import Uploads
from lookup.ledger.collecting.export_ledger import ExportLedger
from lookup.ledger.collecting.exports import Export
from lookup.wiring.collection import WRITERS
from tests.lookup.collection.world import MINUTES, World


class Exporting:
    """Asks for exports of a world's lookups and makes them; `asked` are the events that it published."""

    def __init__(self, world: World, *, limit: int = 10) -> None:
        stage, bucket = world.stage, world.stage.settings.bucket_name
        self.world = world
        self.asked: list[tuple[str, str]] = []
        ledger = ExportLedger(world.table, world.collections, limit=limit)
        self.published = PublishedResults(stage.s3, bucket, world.collections)
        self._requests = ExportRequests(
            published=self.published,
            exports=ledger,
            publish=lambda progress, written_as: self.asked.append((progress.spec.lookup_id, written_as)),
            clock=world.clock,
        )
        self.exporter = Exporter(
            ledger=world.lookups,
            collections=world.collections,
            exports=ledger,
            rows=CollectedRows(stage.s3, bucket),
            uploads=Uploads(stage.s3, bucket),
            writers=WRITERS,
            clock=world.clock,
        )

    def ask(self, lookup_id: str = "l-1", written_as: Format = Format.CSV) -> None:
        self._requests.request(self.world.ended(lookup_id), written_as)

    def make(
        self, lookup_id: str = "l-1", written_as: Format = Format.CSV, *, seconds: float = MINUTES
    ) -> CollectionResult:
        return self.exporter.export(lookup_id, written_as, until=self.world.clock() + seconds)

    def export(self, lookup_id: str = "l-1", written_as: Format = Format.CSV) -> Export:
        return self.world.collected(lookup_id).exports[written_as]

    def listed(self, lookup_id: str = "l-1") -> list[PublishedFile]:
        return self.published.files(lookup_id, self.world.collected(lookup_id))

    def rows(
        self, only: str | None = None, lookup_id: str = "l-1", written_as: Format = Format.CSV
    ) -> list[dict[str, str]]:
        """Return what the exported files hold, as Python's csv reads it."""
        listed = self.listed(lookup_id)
        bodies = [self.world.body(one.key) for one in listed if (one.format, one.only) == (written_as, only)]
        texts = [gzip.decompress(body).decode("utf-8-sig") for body in bodies]
        return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]
