"""What other programs read of the files is what was recorded, whatever the attributes hold."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import subprocess
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no type information
import pytest

from lookup import exact_json
from lookup.collection.files import Format
from lookup.model import Attributes
from tests.lookup.collection.world import World, found
from tests.lookup.stage import Stage

LONG = Decimal("0." + "1234567890" * 40)
ODD: Attributes = {
    "digits": LONG,
    "whole": int("9" * 400),
    "text": 'two\nlines, "quoted", 😀 \u2028 and a half: \ufffd',
    "formula": "=cmd|' /C calc'!A0",
    "lines": 'one\r\ntwo\rthree;"',
    "Email": "A@example.com",
    "email": "b@example.com",
    "pushToken": "T-1",
    "nothing": None,
    "deep": {"user_attributes": [1, {"x": True}]},
    ',"user_attributes":': 1,
}
FIELDS = ("digits", "whole", "text", "formula", "lines", "Email", "email", "nothing", "deep", "absent")


@pytest.fixture
def world(stage: Stage) -> World:
    """A lookup of two users with odd attributes, collected in every format."""
    world = World(stage)
    spec = world.begin(fields=FIELDS, formats=("csv_bom",))
    world.arrive(spec, 1, [found("C-1", ODD, at=world.clock()), found("=1+1", {}, at=world.clock())])
    world.end(spec)
    world.collect()
    return world


def parquet(world: World, folder: Path) -> Path:
    path = folder / "one.parquet"
    path.write_bytes(world.files(Format.PARQUET)[0])
    return path


def test_duckdb_reads_parquet(world: World, tmp_path: Path) -> None:
    """DuckDB finds typed columns, and attributes in which no digit, case or twin is lost."""
    rows = duckdb.read_parquet(str(parquet(world, tmp_path)))
    identifier, fetched_at, changed, text = rows.project("identifier, fetched_at, changed, user_attributes").fetchall()[
        0
    ]
    assert (identifier, type(fetched_at), changed) == ("C-1", datetime, True)
    assert exact_json.loads(text) == ODD
    query = f"SELECT user_attributes->>'pushToken' FROM '{parquet(world, tmp_path)}' WHERE identifier = 'C-1'"  # noqa: S608 - ours
    with duckdb.connect() as connection:
        assert connection.execute(query).fetchall() == [("T-1",)]


def test_pyarrow_reads_parquet(world: World, tmp_path: Path) -> None:
    """PyArrow reads the columns back with their types, compressed with zstd."""
    file = pq.ParquetFile(parquet(world, tmp_path))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert str(file.schema_arrow.field("fetched_at").type) == "timestamp[us]"
    table = file.read()
    assert table.column("identifier").to_pylist() == ["C-1", "=1+1"]
    assert exact_json.loads(table.column("user_attributes").to_pylist()[0]) == ODD


def test_jq_and_python_read_ndjson(world: World, tmp_path: Path) -> None:
    """`jq` and strict UTF-8 read each line of the NDJSON file, and it holds the digits as they were."""
    body = gzip.decompress(world.files(Format.NDJSON)[0])
    assert str(LONG).encode() in body
    lines = body.decode("utf-8", "strict").split("\n")
    assert [json.loads(line, parse_int=str)["identifier"] for line in lines[:-1]] == ["C-1", "=1+1"]
    assert lines[-1] == ""
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not installed")
    path = tmp_path / "one.ndjson"
    path.write_bytes(body)
    done = subprocess.run([jq, "-r", ".identifier", path], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.splitlines() == ["C-1", "=1+1"]
    asked = ".user_attributes | select(.text) | [.text, .formula, .lines, .Email, .email]"
    done = subprocess.run([jq, "-c", asked, path], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert json.loads(done.stdout) == [ODD[name] for name in ("text", "formula", "lines", "Email", "email")]


def test_csv_is_rfc_4180_and_holds_no_formula(world: World) -> None:
    """Python's csv reads a column for each requested field; an apostrophe stands before what would be a formula."""
    text = gzip.decompress(world.files(Format.CSV_BOM)[0]).decode("utf-8-sig")
    assert gzip.decompress(world.files(Format.CSV_BOM)[0]).startswith("\ufeff".encode())
    first, second = list(csv.DictReader(io.StringIO(text, newline="")))
    assert (first["digits"], first["whole"]) == (str(LONG), "9" * 400)
    assert (first["text"], first["formula"]) == (ODD["text"], f"'{ODD['formula']}")
    assert first["lines"] == ODD["lines"]
    assert (first["Email"], first["email"], first["nothing"], first["absent"]) == (ODD["Email"], ODD["email"], "", "")
    assert json.loads(first["deep"]) == ODD["deep"]
    assert second["identifier"] == "'=1+1"
    assert all(line.endswith("\r\n") for line in io.StringIO(text, newline="\r\n"))


def test_duckdb_reads_csv(world: World, tmp_path: Path) -> None:
    """DuckDB's own reader of CSV finds the same cells, whatever quotes, line ends and digits they hold."""
    path = tmp_path / "one.csv"
    path.write_bytes(gzip.decompress(world.files(Format.CSV_BOM)[0]))
    rows = duckdb.read_csv(str(path), all_varchar=True, header=True, quotechar='"', escapechar='"')
    cells = rows.project("identifier, whole, text, lines").fetchall()
    assert cells[0] == ("C-1", "9" * 400, ODD["text"], ODD["lines"])
    assert cells[1][0] == "'=1+1"


def test_csv_without_fields_has_the_attributes_in_one_column(stage: Stage) -> None:
    """A lookup of all fields has one column with the attributes as JSON; a byte order mark is there on request only."""
    world = World(stage)
    spec = world.begin(formats=("csv",))
    world.arrive(spec, 1, [found("C-1", ODD, at=world.clock())])
    world.end(spec)
    world.collect()
    text = gzip.decompress(world.files(Format.CSV)[0]).decode()
    (row,) = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.startswith("identifier_type,")
    assert exact_json.loads(row["user_attributes"]) == ODD
