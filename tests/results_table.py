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
from infra.constructs.result_columns import COLLECTED_COLUMNS, COLLECTED_PARTITIONS

QUERIES = dict(re.findall(r"## (.*?)\n\n```sql\n(.*?)```", (ROOT / "docs" / "queries.md").read_text(), re.DOTALL))
HOW_IT_ENDED, WHY_IT_FAILED, WHAT_CHANGES = QUERIES


@contextmanager
def lookup_results(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the Parquet files below a folder's `results/` as `lookup_results`: columns and partitions as in Athena."""
    types = dict.fromkeys(COLLECTED_PARTITIONS, "VARCHAR")
    with duckdb.connect() as connection:
        connection.read_parquet(f"{folder}/results/*/*/parquet/*.parquet", hive_partitioning=True).create_view("files")
        cast = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
        columns = ", ".join(COLLECTED_COLUMNS)
        connection.execute(f"CREATE VIEW lookup_results AS SELECT {columns}, {cast} FROM files")  # noqa: S608 - our names
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
