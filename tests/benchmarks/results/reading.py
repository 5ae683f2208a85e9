"""What a reader asks S3 for and waits for: the same two questions over the parts and over the collected files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from infra.constructs.result_columns import COLUMNS
from tests.lookup.stage import Stage

IN_DUCKDB = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "array<string>": "VARCHAR[]",
}
QUESTIONS = (
    "SELECT outcome, count(*) FROM results GROUP BY outcome",
    "SELECT identifier FROM results WHERE identifier = 'C-00000001-000'",
)


@dataclass(frozen=True, slots=True)
class Read:
    """Requests of GET and seconds until all is here, beside that seconds of each question, and the answers."""

    requests: int
    fetched: float
    asked: list[float]
    answers: list[list[tuple[object, ...]]]

    @property
    def seconds(self) -> float:
        """Seconds for both questions, asked of what was fetched once."""
        return self.fetched + sum(self.asked)

    def alone(self, question: int) -> float:
        """Seconds for one question alone."""
        return self.fetched + self.asked[question]


def from_parts(stage: Stage) -> Read:
    """Read every part's object."""
    columns = {name: IN_DUCKDB[kind] for name, kind in COLUMNS.items()} | {"user_attributes": "JSON"}
    keys = stage.keys("parts/")
    return _read(stage, keys, f"read_json('FOLDER/*.gz', format = 'newline_delimited', columns = {columns})")


def from_files(stage: Stage) -> Read:
    """Read the collected Parquet files."""
    keys = [key for key in stage.keys("results/") if "/parquet/" in key]
    return _read(stage, keys, "read_parquet('FOLDER/*.parquet')")


def _read(stage: Stage, keys: Sequence[str], source: str) -> Read:
    begun = time.time()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for key in keys:
            body = stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"].read()
            (Path(folder) / key.rpartition("/")[2]).write_bytes(body)
        fetched = time.time() - begun
        connection.execute(f"CREATE VIEW results AS FROM {source.replace('FOLDER', folder)}")
        asked, answers = list[float](), list[list[tuple[object, ...]]]()
        for question in QUESTIONS:
            begun = time.time()
            answers.append(connection.execute(question).fetchall())
            asked.append(time.time() - begun)
    return Read(len(keys), fetched, asked, answers)
