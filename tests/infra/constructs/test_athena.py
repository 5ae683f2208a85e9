"""Promises about the table of results, and the documented queries over what the archive writes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from infra.constructs.result_columns import COLUMNS
from lookup import exact_json
from lookup.collection.files import Format, key_of
from lookup.collection.formats.parquet import SCHEMA, ParquetFile
from lookup.collection.formats.rows import row_of
from lookup.ledger.collecting.collections import Collection
from lookup.ledger.model import CompletedParts, Cursor, LookupRecord, LookupSpec, LookupState, Roster
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Outcome, Profile, Source, Status, timestamp
from lookup.results.files import Record, ndjson, record_json, result_key
from tests.infra.template import Template, text
from tests.results_table import HOW_IT_ENDED, QUERIES, WHAT_CHANGES, WHY_IT_FAILED, as_openx, lookup_results


def _found(identifier: str, *changed: str) -> Outcome:
    user = Identifier(IdentifierType.CUSTOMER_ID, identifier)
    profile = Profile("default", user, {"u_em": "a@b.c", "n": {"x": 1}}, time.time(), "l-1", changed_fields=changed)
    return Outcome(user, Status.FOUND, profile=profile, source=Source.MOENGAGE)


OUTCOMES = [
    _found("C-1", "u_em", "city"),
    _found("C-2", "u_em"),
    Outcome(Identifier(IdentifierType.CUSTOMER_ID, "C-3"), Status.NOT_FOUND),
    Outcome(Identifier(IdentifierType.CUSTOMER_ID, "C-4"), Status.FAILED, "no_answer"),
    Outcome.of_invalid(InvalidIdentifier("", "empty", line=7)),
    Outcome.of_invalid(InvalidIdentifier(" ", "empty", line=8)),
]


@pytest.fixture(scope="module")
def today() -> str:
    return timestamp(time.time())[:10]


@pytest.fixture
def results(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """What is collected, as the table of the template: same name, same columns, same partitions."""
    _put_as_parquet(ndjson("l-1", [Record("00000001", outcome, "order-7") for outcome in OUTCOMES]), tmp_path)
    with lookup_results(tmp_path) as connection:
        yield connection


def _put_as_parquet(lines: bytes, folder: Path) -> None:
    day = timestamp(time.time())[:10]
    path = folder / f"results/workspace=default/dt={day}/parquet/l-1-00001.parquet"
    path.parent.mkdir(parents=True)
    with path.open("wb") as opened:
        file = ParquetFile(opened)  # type: ignore[arg-type]  # writes to whatever takes bytes
        file.add([row_of(line) for line in lines.splitlines()])
        file.close()


def test_every_documented_query_is_tested() -> None:
    """The tests below are all the queries there are."""
    assert list(QUERIES) == [
        "How did the lookups of the last week end?",
        "Why did identifiers fail?",
        "Which attributes change most?",
    ]


def test_how_lookups_ended(results: duckdb.DuckDBPyConnection, today: str) -> None:
    """The first query counts each lookup's outcomes."""
    rows = results.execute(QUERIES[HOW_IT_ENDED]).fetchall()
    counts = {"failed": 1, "found": 2, "invalid": 2, "not_found": 1}
    assert rows == [(today, "l-1", outcome, number) for outcome, number in counts.items()]


def test_why_identifiers_failed(results: duckdb.DuckDBPyConnection, today: str) -> None:
    """The second query counts reasons, the most frequent first."""
    rows = results.execute(QUERIES[WHY_IT_FAILED]).fetchall()
    assert rows == [(today, "invalid", "empty", 2, "l-1"), (today, "failed", "no_answer", 1, "l-1")]


def test_which_attributes_change(results: duckdb.DuckDBPyConnection) -> None:
    """The third query counts users by attribute that changed."""
    rows = results.execute(QUERIES[WHAT_CHANGES]).fetchall()
    assert rows == [("u_em", 2), ("city", 1)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"customer_id": "C-9001", "Email": "a@example.com", "email": "b@example.com"},
        {"customer_id": "C-9001", "Last Seen": "2026-11-28", "pushToken": "T"},
        {
            "a.b": "1",
            "a_b": "2",
            "": "3",
            "in": [{"Z": "1", "z": ["2"]}],
            "Straße": "4",
            "STRASSE": "5",
            "İ": "6",
            "i̇": "7",
        },
        {"IDENTIFIER": "x", "Outcome": "y", "USER_ATTRIBUTES": {"User_Attributes": "z"}},
    ],
)
def test_the_tables_reader_keeps_names_as_they_are(template: Template, attributes: dict[str, object]) -> None:
    """By the rules of the reader of parts, names that differ in case only do not end a query, and none is changed."""
    serde = template.named("AWS::Glue::Table", "QueryParts")[1]["TableInput"]["StorageDescriptor"]["SerdeInfo"]
    user = Identifier(IdentifierType.CUSTOMER_ID, "C-9001")
    profile = Profile("default", user, attributes, 0.0, "l-1")  # type: ignore[arg-type]  # JSON
    line = exact_json.dumps(record_json("l-1", Record("1", Outcome(user, Status.FOUND, profile=profile))))
    row = as_openx(line.decode(), serde["Parameters"], COLUMNS)
    assert json.loads(row["user_attributes"]) == attributes
    assert (row["identifier"], row["outcome"]) == ("C-9001", "found")
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"


@pytest.mark.parametrize(
    ("attributes", "error"), [('{"Email": "a", "email": "b"}', True), ('{"pushToken": "T"}', False)]
)
def test_why_the_reader_has_a_setting(attributes: str, *, error: bool) -> None:
    """With the reader's default the one would end the query, and the other would come back in lower case."""
    line = f'{{"identifier": "C-1", "user_attributes": {attributes}}}'
    if error:
        with pytest.raises(ValueError, match='Duplicate key "email"'):
            as_openx(line, {}, COLUMNS)
    else:
        assert json.loads(as_openx(line, {}, COLUMNS)["user_attributes"]) == {"pushtoken": "T"}


def test_the_columns_are_the_record_s() -> None:
    """The table has exactly the keys that the archive writes, in their order."""
    assert list(record_json("l-1", Record("1", OUTCOMES[0]))) == list(COLUMNS)


def test_partitions_follow_the_keys(template: Template) -> None:
    """The template of locations is the pattern of the archive's keys, below the bucket's `parts/`."""
    table = template.named("AWS::Glue::Table", "QueryParts")[1]["TableInput"]
    assert table["Name"] == "lookup_parts"
    location = text(table["Parameters"]["storage.location.template"])
    assert location.endswith("/parts/workspace=${workspace}/dt=${dt}/hour=${hour}/")
    assert location.startswith("s3://StorageBucket")
    filled = location.replace("${workspace}", "default").replace("${dt}", "2026-11-24").replace("${hour}", "07")
    key = result_key("default", "l-1", "00000001", 1795505400.0)
    assert key.startswith("parts/" + filled.partition("/parts/")[2])


def test_the_collected_table_is_what_collecting_writes(template: Template) -> None:
    """The table has the columns of the Parquet files, with their types, in the folder of lookups' and hours' files."""
    table = template.named("AWS::Glue::Table", "QueryTable")[1]["TableInput"]
    assert table["Name"] == "lookup_results"
    columns = {one["Name"]: one["Type"] for one in table["StorageDescriptor"]["Columns"]}
    hive = {"int32": "int", "int64": "bigint", "bool": "boolean", "timestamp[us]": "timestamp"}
    assert columns == {
        field.name: hive.get(str(field.type), "array<string>" if "list" in str(field.type) else "string")
        for field in SCHEMA
    }
    location = text(table["Parameters"]["storage.location.template"])
    filled = location.replace("${workspace}", "default").replace("${dt}", "2026-11-24").partition("/results/")[2]
    roster = Roster("rosters/one", None, 1, 1)
    record = LookupRecord(
        LookupSpec("l-1", "default", "acme", 0.0, roster),
        LookupState.COMPLETED,
        Cursor(),
        CompletedParts(),
        1795505400.0,
    )
    key = key_of(record, Collection(1795505400.0), 1, Format.PARQUET, None)
    assert key == f"results/{filled}l-1-00001.parquet"


def test_partitions_end_with_the_retention(full: Template) -> None:
    """Athena looks at the stage's workspaces and at no more days than are kept."""
    parameters = full.named("AWS::Glue::Table", "QueryTable")[1]["TableInput"]["Parameters"]
    assert parameters["projection.workspace.values"] == "asia,default"
    assert parameters["projection.dt.range"] == "NOW-31DAYS,NOW"


def test_answers_are_encrypted_bounded_and_in_the_bucket(template: Template) -> None:
    """The workgroup decides itself where answers go, encrypts them, and ends queries over 100 GB."""
    configuration = template.only("AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == 100 * 1024**3
    result = configuration["ResultConfiguration"]
    assert result["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert text(result["OutputLocation"]).startswith("s3://StorageBucket")
    assert text(result["OutputLocation"]).endswith("/queries/")
