"""Fourth step of the job: the whole roster once more as one lookup over HTTP, with its estimate and its progress."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from typing import IO, Any

import urllib3

from infra.local.api_client import ApiClient
from infra.local.display import Display
from infra.local.ministack.process import PROJECT
from infra.local.roster import message_body
from infra.local.stage.stage import Stage
from infra.local.waiting import Wait
from lookup.model import Identifier
from lookup.validation import ParsedIdentifier

MAX_IDLE_SECONDS = 180.0  # seconds: longer than any wait for quota
READER = ".venv/bin/python -c"
MAX_AGE = 3600  # seconds: what the steps before have fetched costs no quota


def look_up_roster(
    stage: Stage, api: ApiClient, entries: Iterable[ParsedIdentifier], display: Display
) -> dict[str, int]:
    """Upload the roster, submit a lookup over it and wait for it; return its counts. Raises `OSError` if refused."""
    with tempfile.TemporaryFile() as file:
        number = _write(file, entries)
        roster_id = api.upload_roster(file)
    submitted = api.submit({"roster_id": roster_id, "max_age": MAX_AGE})
    estimate = submitted["estimate"] or {}
    display.line(f"POST /v1/lookups  202  {submitted['lookup_id']}")
    display.line(f"about {submitted['counts']['requested']} users, done at {estimate.get('done_at', 'once')}")
    lookup = submitted

    def done() -> int:
        nonlocal lookup
        lookup = api.get(submitted["links"]["self"])
        counted = sum(lookup["counts"][name] for name in ("found", "not_found", "invalid", "failed"))
        return counted if counted < number or lookup["finished_at"] else number - 1

    wait = Wait("the lookup of the roster", MAX_IDLE_SECONDS, stage.folder / "functions.log", stage.sleep)
    with display.bar("looked up") as advance:
        wait.until_all(number, done, advance)
    display.line(f"{lookup['state']}: {_line_of(lookup['counts'])}")
    _show_files(stage, api, submitted["links"], display)
    return dict(lookup["counts"])


def _show_files(stage: Stage, api: ApiClient, links: dict[str, str], display: Display) -> None:
    """Wait until the lookup's parts are collected; show the files' addresses, and how to open one in DuckDB."""

    def ready() -> int:
        return int((api.get(links["self"])["results"] or {}).get("state") == "ready")

    wait = Wait("the files of the lookup", MAX_IDLE_SECONDS, stage.folder / "functions.log", stage.sleep)
    wait.until_all(1, ready, lambda *_: None)
    files = api.get(links["results"])["files"]
    for file in files:
        display.line(f"{file['records']} records, {file['bytes']} bytes  {stage.api_url}{file['links']['self']}")
    (parquet,) = [file for file in files if file["format"] == "parquet" and file["only"] is None]
    copy = stage.folder / "results" / parquet["name"]
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(urllib3.request("GET", parquet["url"]).data)
    display.line("the Parquet file in DuckDB:")
    display.raw(f"{READER} \"import duckdb; duckdb.sql('FROM \\'{copy.relative_to(PROJECT)}\\'').show()\"")


def _write(file: IO[bytes], entries: Iterable[ParsedIdentifier]) -> int:
    """Write the entries as NDJSON; return how many."""
    number = 0
    for number, entry in enumerate(entries, 1):  # noqa: B007 - the last number is the count
        file.write(json.dumps(_line(entry)).encode() + b"\n")
    return number


def _line(entry: ParsedIdentifier) -> Any:  # noqa: ANN401 - an identifier's JSON, or the text of an unusable one
    if isinstance(entry, Identifier):
        return {"identifier_type": entry.identifier_type.value, "identifier": entry.identifier}
    return json.loads(message_body(entry))[0]


def _line_of(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
