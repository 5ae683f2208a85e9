"""Result files as the table that the template makes of them, and the queries of `docs/queries.md` over it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from infra.app import ROOT
from infra.constructs.result_columns import COLUMNS, PARTITIONS

QUERIES = dict(re.findall(r"## (.*?)\n\n```sql\n(.*?)```", (ROOT / "docs" / "queries.md").read_text(), re.DOTALL))
HOW_IT_ENDED, WHY_IT_FAILED, WHAT_CHANGES = QUERIES
IN_DUCKDB = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "array<string>": "VARCHAR[]",
}


@contextmanager
def lookup_results(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the files below a folder's `parts/` as `lookup_results`: same columns, same partitions as in Athena."""
    columns = {name: IN_DUCKDB[kind] for name, kind in COLUMNS.items()} | {"user_attributes": "JSON"}
    with duckdb.connect() as connection:
        connection.read_json(
            f"{folder}/parts/**/*.ndjson.gz",
            format="newline_delimited",
            columns=columns,
            hive_partitioning=True,
            hive_types=dict.fromkeys(PARTITIONS, "VARCHAR"),
        ).create_view("lookup_results")
        yield connection


def as_openx(line: str, settings: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, Any]:
    """Read a record as the OpenX JSON SerDe does (github.com/rcongiu/Hive-JSON-Serde, JSONObject and JsonSerDe).

    `case.insensitive`, by default true, puts every key of every object under its lower case; a key that is there
    already ends the query. A column is looked up under its own name; an object becomes the text of a string column.
    """
    lowers = settings.get("case.insensitive", "true").lower() == "true"

    def put_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, value in pairs:
            key = name.lower() if lowers else name
            if key in read:
                raise ValueError(f'Duplicate key "{key}"')
            read[key] = value
        return read

    row = json.loads(line, object_pairs_hook=put_once)
    cells = {name: row.get(name) for name in columns}
    return {name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in cells.items()}
