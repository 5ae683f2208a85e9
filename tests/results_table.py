"""Result files as the table that the template makes of them, and the queries of `docs/queries.md` over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from infra.app import ROOT
from infra.query import COLUMNS, PARTITIONS

QUERIES = dict(re.findall(r"## (.*?)\n\n```sql\n(.*?)```", (ROOT / "docs" / "queries.md").read_text(), re.DOTALL))
HOW_IT_ENDED, WHY_IT_FAILED, WHAT_CHANGES = QUERIES
IN_DUCKDB = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "array<string>": "VARCHAR[]"}


@contextmanager
def lookup_results(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the files below a folder's `results/` as `lookup_results`: same columns, same partitions as in Athena."""
    columns = {name: IN_DUCKDB[kind] for name, kind in COLUMNS.items()} | {"user_attributes": "JSON"}
    with duckdb.connect() as connection:
        connection.read_json(
            f"{folder}/results/**/*.ndjson.gz",
            format="newline_delimited",
            columns=columns,
            hive_partitioning=True,
            hive_types=dict.fromkeys(PARTITIONS, "VARCHAR"),
        ).create_view("lookup_results")
        yield connection
