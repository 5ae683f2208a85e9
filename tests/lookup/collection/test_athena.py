"""The ready queries over collected Parquet, asked of the embedded Athena by its API.

The embedded Athena runs the SQL in DuckDB, reads whatever lies below a table's location, and knows no
`storage.location.template`: so the Parquet files are put below a location of their own, as the template chooses them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.constructs.result_columns import COLLECTED_COLUMNS, COLLECTED_PARTITIONS
from lookup.model import Attributes, Profile, Status
from tests.lookup.collection.world import World, found, outcome
from tests.lookup.services import customer
from tests.lookup.stage import Stage
from tests.results_table import HOW_IT_ENDED, QUERIES, WHAT_CHANGES, WHY_IT_FAILED
from tests.waiting import until

DATABASE, TABLE, FOLDER = "results", "lookup_results", "as-projected/"
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}


class Analyst:
    """Asks the embedded Athena."""

    def __init__(self, world: World) -> None:
        self._client: Any = world.stage.session.client("athena")
        self._output = f"s3://{world.stage.settings.bucket_name}/queries/"

    def ask(self, query: str) -> list[list[str | None]]:
        """Return the rows of an answer, as text, without the header."""
        started = self._client.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": DATABASE},
            ResultConfiguration={"OutputLocation": self._output},
        )
        name = started["QueryExecutionId"]
        status = until(lambda: self._ended(name))
        assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
        rows = self._client.get_query_results(QueryExecutionId=name)["ResultSet"]["Rows"]
        return [[one.get("VarCharValue") for one in row["Data"]] for row in rows[1:]]

    def _ended(self, name: str) -> dict[str, Any] | None:
        status: Any = self._client.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"]
        return status if status["State"] in ENDED else None


@pytest.fixture
def analyst(stage: Stage) -> Analyst:
    """Collect a lookup of users whose attributes differ in case only, and make the table over it."""
    world = World(stage)
    spec, now = world.begin(), world.clock()
    attributes: Attributes = {
        "Email": "A@example.com",
        "email": "b@example.com",
        "pushToken": "T-1",
        "digits": int("9" * 400),
    }
    changed = Profile("default", customer("C-2"), {"u_em": 1}, now, "l-1", changed_at=now, changed_fields=("u_em",))
    again = found("C-2", {}, at=now)
    world.arrive(spec, 1, [found("C-1", attributes, at=now), type(again)(again.subject, again.status, profile=changed)])
    world.arrive(spec, 2, [outcome("null", Status.INVALID, at=now), outcome("C-4", Status.FAILED, at=now)])
    world.end(spec)
    world.collect()
    for key in world.stage.keys("results/"):
        if "/parquet/" in key:
            bucket = stage.settings.bucket_name
            target = FOLDER + key.removeprefix("results/").replace("/parquet/", "/")
            stage.s3.copy_object(Bucket=bucket, Key=target, CopySource=f"{bucket}/{key}")
    _make_table(stage)
    return Analyst(world)


def _make_table(stage: Stage) -> None:
    glue = stage.session.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    formats = "org.apache.hadoop.hive.ql.io.parquet"
    glue.create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": TABLE,
            "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in COLLECTED_PARTITIONS.items()],
            "StorageDescriptor": {
                "Location": f"s3://{stage.settings.bucket_name}/{FOLDER}",
                "Columns": [{"Name": name, "Type": kind} for name, kind in COLLECTED_COLUMNS.items()],
                "InputFormat": f"{formats}.MapredParquetInputFormat",
                "OutputFormat": f"{formats}.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": f"{formats}.serde.ParquetHiveSerDe"},
            },
        },
    )


def test_the_ready_queries(analyst: Analyst) -> None:
    """Each query of the page is answered, from the collected files, with what the lookup holds."""
    ended = [(row[1], row[2], row[3]) for row in analyst.ask(QUERIES[HOW_IT_ENDED])]
    assert ended == [("l-1", "failed", "1"), ("l-1", "found", "2"), ("l-1", "invalid", "1")]
    reasons = {(row[1], row[2], row[3]) for row in analyst.ask(QUERIES[WHY_IT_FAILED])}
    assert reasons == {("failed", "no_answer", "1"), ("invalid", "must not be that", "1")}
    assert analyst.ask(QUERIES[WHAT_CHANGES]) == [["u_em", "1"]]


def test_names_that_differ_in_case_only(analyst: Analyst) -> None:
    """Attributes whose names differ in case only, and names in mixed case, are there, and no digit is lost."""
    ((text,),) = analyst.ask(f"SELECT user_attributes FROM {TABLE} WHERE identifier = 'C-1'")  # noqa: S608 - ours
    assert text is not None
    held = json.loads(text)
    assert (held["Email"], held["email"], held["pushToken"]) == ("A@example.com", "b@example.com", "T-1")
    assert f'"digits":{"9" * 400}' in text
