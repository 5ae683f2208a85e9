"""The hours of a run: those that hold objects, collected on request, and what their files hold."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lookup import exact_json

if TYPE_CHECKING:
    from tests.lookup.stage import Stage

Row = tuple[str, str, str, str]  # lookup, part, identifier, outcome


def hours_of(stage: Stage) -> list[tuple[str, str]]:
    """Return the days and hours that hold objects, as their folders are called."""
    folders = {tuple(key.split("/")[2:4]) for key in stage.keys("parts/")}
    return sorted((day.removeprefix("dt="), hour.removeprefix("hour=")) for day, hour in folders)


def ask_for_hours(stage: Stage) -> None:
    """Ask for each of them to be collected, as an operator may at any time."""
    url = stage.settings.results_queue_url or ""
    for day, hour in hours_of(stage):
        body = exact_json.dumps({"workspace": "default", "hour": f"{day}T{hour}"}).decode()
        stage.sqs.send_message(QueueUrl=url, MessageBody=body)


def rows_of(stage: Stage) -> list[Row]:
    """Read the records of all hours' NDJSON files."""
    bucket = stage.settings.bucket_name
    keys = [key for key in stage.keys("results/") if "/ndjson/hour-" in key]
    bodies = [stage.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    return [_row(exact_json.loads(line)) for body in bodies for line in gzip.decompress(body).splitlines()]


def _row(record: Any) -> Row:
    facts: Mapping[str, Any] = record
    return facts["lookup_id"], facts["part"], facts["identifier"], facts["outcome"]
