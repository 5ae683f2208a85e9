"""Rows as Parquet, compressed with zstd: serialize columns, and attributes as JSON text so that no digit is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no type information
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # as above

from lookup.collection.formats.rows import Row
from lookup.collection.upload import Upload

BATCH_BYTES = 32 * 1024 * 1024  # of records that are held before a row group is written
FEW_VALUES = ["lookup_id", "part", "identifier_type", "outcome", "reason", "source", "changed_fields.list.element"]
SCHEMA = pa.schema([
    pa.field("schema_version", pa.int32()),
    pa.field("lookup_id", pa.string()),
    pa.field("part", pa.string()),
    pa.field("correlation_id", pa.string()),
    pa.field("line", pa.int64()),
    pa.field("identifier_type", pa.string()),
    pa.field("identifier", pa.string()),
    pa.field("outcome", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("source", pa.string()),
    pa.field("fetched_at", pa.timestamp("us")),
    pa.field("changed", pa.bool_()),
    pa.field("changed_fields", pa.list_(pa.string())),
    pa.field("replaced_fields", pa.list_(pa.string())),
    pa.field("user_attributes", pa.string()),
])  # fmt: skip


class ParquetFile:
    """A Parquet file that is written row group by row group."""

    def __init__(self, upload: Upload) -> None:
        self._writer = pq.ParquetWriter(
            upload, SCHEMA, compression="zstd", compression_level=3, use_dictionary=FEW_VALUES
        )
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        self._held = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows, and write a row group when there are enough bytes of them."""
        for row in rows:
            for name, values in self._columns.items():
                values.append(_value(row, name))
            self._held += len(row.line)
        if self._held >= BATCH_BYTES:
            self._write()

    def close(self) -> None:
        """Write what is left, and the footer."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        arrays = [pa.array(self._columns[field.name], field.type) for field in SCHEMA]
        self._writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
        for values in self._columns.values():
            values.clear()
        self._held = 0


def _value(row: Row, name: str) -> Any:  # noqa: ANN401 - of the column's own type
    if name == "user_attributes":
        return row.attributes
    value = row.facts.get(name)
    return datetime.fromisoformat(value).replace(tzinfo=None) if name == "fetched_at" and value else value
