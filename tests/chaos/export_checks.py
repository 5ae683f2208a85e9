"""Checks that each export which was asked for is there, whole, and holds the rows of its lookup's files in order."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.chaos.findings import DOUBLED, LOST, STUCK, WRONG, Findings

if TYPE_CHECKING:
    from tests.chaos.evidence import Evidence, Record
    from tests.lookup.stage import Stage

Row = tuple[str, str]  # identifier, outcome
Key = tuple[str, str]  # lookup, format
BYTE_ORDER_MARK = "\ufeff".encode()


@dataclass(frozen=True)
class Exported:
    """What the files of an export hold, and of the changes; `untrue` are those that are not what the ledger says."""

    rows: Sequence[Row]
    changed: Sequence[Row]
    untrue: Sequence[str] = ()


def exported_of(stage: Stage, items: Sequence[Mapping[str, Any]]) -> dict[Key, Exported]:
    """Read the exports that the ledger's items say are ready."""
    ready = {
        (item["pk"].partition("#")[2], name.removeprefix("export_"))
        for item in items
        for name, text in item.items()
        if name.startswith("export_") and json.loads(text)["state"] == "ready"
    }
    return {key: _exported(stage, items, *key) for key in sorted(ready)}


def _exported(stage: Stage, items: Sequence[Mapping[str, Any]], lookup_id: str, written_as: str) -> Exported:
    own = [one for one in items if one["pk"] == f"lookup#{lookup_id}" and one["sk"].startswith("files#")]
    sets = sorted((one for one in own if one["sk"].endswith(f"#{written_as}")), key=lambda one: str(one["sk"]))
    files = [file for one in sets for file in json.loads(one["files"])]
    bodies = {
        file["key"]: stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=file["key"])["Body"].read()
        for file in files
    }
    is_marked = written_as == "csv_bom"
    return Exported(
        [row for file in files if file["only"] is None for row in _rows(bodies[file["key"]])],
        [row for file in files if file["only"] for row in _rows(bodies[file["key"]])],
        [file["key"] for file in files if not _is_true(file, bodies[file["key"]], is_marked=is_marked)],
    )


def _is_true(file: Mapping[str, Any], body: bytes, *, is_marked: bool) -> bool:
    begins = gzip.decompress(body).startswith(BYTE_ORDER_MARK)
    return (file["size"], file["sha256"], is_marked) == (len(body), hashlib.sha256(body).hexdigest(), begins)


def _rows(body: bytes) -> list[Row]:
    text = gzip.decompress(body).decode("utf-8-sig")
    return [_row(row["identifier"], row["outcome"]) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _row(identifier: str, outcome: str) -> Row:
    """Return a row as it is compared: an apostrophe may stand where a formula would begin."""
    return identifier.replace("'", ""), outcome


def check_exports(asked: Mapping[str, str], evidence: Evidence, found: Findings) -> None:
    """Compare each export that was accepted with the parts of its lookup."""
    for key in asked.items():
        one = evidence.exported.get(key)
        if one is None:
            found.add(STUCK, f"{key}: the export is not made")
            continue
        parts = [part for _, part in sorted(evidence.lookups[key[0]].parts.items()) if part.key]
        records = [record for part in parts for record in evidence.objects[part.key]]
        _compare(f"{key}", one.rows, records, found)
        _compare(f"{key}, changes", one.changed, [record for record in records if record.get("changed")], found)
        found.add(WRONG, f"{key}: files that are not what the ledger says", len(one.untrue))


def _compare(what: str, rows: Sequence[Row], records: Sequence[Record], found: Findings) -> None:
    expected = [_row(record["identifier"] or "", record["outcome"]) for record in records]  # none of the erased
    found.add(LOST, f"{what}: rows are not in the export", len(expected) - len(rows))
    found.add(DOUBLED, f"{what}: rows are in the export twice", len(rows) - len(expected))
    if len(rows) == len(expected) and list(rows) != expected:
        found.add(WRONG, f"{what}: the export holds other rows, or in another order")
