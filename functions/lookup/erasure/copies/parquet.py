"""Records in Parquet: those of erased people found and rewritten; every other row and the schema stay as they are."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no type information
import pyarrow.compute as pc  # type: ignore[import-untyped]  # as above
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # as above

from lookup.collection.formats.parquet import FEW_VALUES
from lookup.erasure.copies.texts import Rewritten, matching
from lookup.erasure.people import People
from lookup.model import ERASED, Identifier
from lookup.results.erased_records import KEPT, LISTS

SEARCHED = ["identifier_type", "identifier", "user_attributes"]


def count_rows(body: bytes, people: People) -> int:
    """Count the rows that are theirs."""
    held = pq.ParquetFile(io.BytesIO(body))
    groups = range(held.num_row_groups)
    return sum(len(_theirs(held.read_row_group(number, columns=SEARCHED), people)) for number in groups)


def aliases_in_rows(body: bytes, people: People) -> set[Identifier]:
    """Return the other identifiers that rows of theirs hold."""
    held, found = pq.ParquetFile(io.BytesIO(body)), set[Identifier]()
    for number in range(held.num_row_groups):
        rows = held.read_row_group(number, columns=SEARCHED)
        for place in _theirs(rows, people):
            found |= people.aliases_in_record(*(rows[name][place].as_py() for name in SEARCHED))
    return found


def rewrite_rows(body: bytes, people: People) -> Rewritten:
    """Rewrite a file: their rows redacted, all others equal."""
    held, written = pq.ParquetFile(io.BytesIO(body)), Rewritten()
    writer = pq.ParquetWriter(
        written.sink, held.schema_arrow, compression="zstd", compression_level=3, use_dictionary=FEW_VALUES
    )
    for number in range(held.num_row_groups):
        rows = held.read_row_group(number)
        theirs = _theirs(rows, people)
        written.records += len(theirs)
        if theirs:
            rows = _redacted(rows, theirs)
        no_name = pc.and_(pc.is_null(rows["identifier"]), pc.fill_null(pc.equal(rows["reason"], ERASED), False))  # noqa: FBT003 - Arrow's own
        written.erased += pc.sum(no_name).as_py() or 0
        written.left += rows.num_rows
        writer.write_table(rows, row_group_size=max(1, rows.num_rows))
    writer.close()
    return written


def _theirs(rows: pa.Table, people: People) -> list[int]:
    named = pc.is_in(rows["identifier"], value_set=pa.array(sorted(people.values), pa.string()))
    by_name = set(pc.indices_nonzero(named).to_pylist())
    by_attributes = set(matching(rows["user_attributes"].combine_chunks(), people))
    kinds, identifiers, attributes = (rows[name] for name in SEARCHED)
    return [
        place
        for place in sorted(by_name | by_attributes)
        if people.are_named(kinds[place].as_py(), identifiers[place].as_py())
        or people.own_json(attributes[place].as_py())
    ]


def _redacted(rows: pa.Table, theirs: list[int]) -> pa.Table:
    places = set(theirs)
    mask = pa.array([place in places for place in range(rows.num_rows)])
    for number, field in enumerate(rows.schema):
        if field.name in KEPT:
            continue
        value: Any = ERASED if field.name == "reason" else [] if field.name in LISTS else None
        column = pc.if_else(mask, pa.scalar(value, field.type), rows[field.name])
        rows = rows.set_column(number, field, column)
    return rows
