"""What the files of a lookup are called, and the manifest that says what is in them.

`results/workspace=<w>/dt=<YYYY-MM-DD>/<folder>/<lookup>[-r<round>]-<number>.<ending>`; the day is that of its end.
Each format has a folder of its own there, for a reader of a folder reads all that is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lookup.collection.upload import Sealed
from lookup.ledger.collecting.collections import Collection
from lookup.ledger.model import LookupRecord, LookupSpec
from lookup.model import timestamp

RESULTS = "results/"
CHANGED = "changed"
SCHEMA_VERSION = 1


class Format(StrEnum):
    """How files are written."""

    NDJSON = "ndjson"
    PARQUET = "parquet"
    CSV = "csv"
    CSV_BOM = "csv_bom"  # with a byte order mark


EXPORTS = (Format.CSV, Format.CSV_BOM)  # the formats that a lookup has when it asks for them, then or later


def formats_of(spec: LookupSpec) -> list[Format]:
    """Return the formats of a lookup's files: two that every lookup has, and those it asked for."""
    return [Format.NDJSON, Format.PARQUET, *map(Format, spec.formats)]


ENDINGS: Mapping[Format, tuple[str, str]] = {
    Format.NDJSON: ("ndjson.gz", "application/gzip"),
    Format.PARQUET: ("parquet", "application/vnd.apache.parquet"),
    Format.CSV: ("csv.gz", "application/gzip"),
    Format.CSV_BOM: ("csv.gz", "application/gzip"),
}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One file: its format, whether it holds only what is `changed`, and how many records."""

    sealed: Sealed
    format: Format
    only: str | None
    records: int

    @property
    def name(self) -> str:
        """What partners call it."""
        return self.sealed.key.rpartition("/")[2]

    def described(self) -> dict[str, object]:
        """Describe it as manifests do."""
        return {
            "name": self.name,
            "key": self.sealed.key,
            "format": self.format.value,
            "only": self.only,
            "records": self.records,
            "bytes": self.sealed.size,
            "sha256": self.sealed.sha256,
        }

    def to_json(self) -> dict[str, object]:
        """Write it for the ledger."""
        own = {"format": self.format.value, "only": self.only, "records": self.records}
        return own | self.sealed.to_json()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ResultFile:
        """Read what `to_json` wrote."""
        return cls(Sealed.from_json(data), Format(data["format"]), data["only"], int(data["records"]))


def folder_of(workspace: str, ended_at: float) -> str:
    """Name the folder of a workspace's day."""
    return f"{RESULTS}workspace={workspace}/dt={timestamp(ended_at)[:10]}/"


def key_of(progress: LookupRecord, one: Collection, number: int, written_as: Format, only: str | None) -> str:
    """Name a file of a set."""
    spec = progress.spec
    tried = f"-r{one.round}" if one.round else ""
    part = f"-{only}" if only else ""
    mark = "-bom" if written_as is Format.CSV_BOM else ""  # two files of a lookup never have one name
    ending, _ = ENDINGS[written_as]
    return (
        f"{folder_of(spec.workspace, one.ended_at)}{written_as.value}{part}/"
        f"{spec.lookup_id}{tried}{mark}{part}-{number:05}.{ending}"
    )


def manifest_key(progress: LookupRecord, one: Collection) -> str:
    """Name the manifest."""
    tried = f"-r{one.round}" if one.round else ""
    return f"{folder_of(progress.spec.workspace, one.ended_at)}manifest/{progress.spec.lookup_id}{tried}.manifest.json"


def manifest(progress: LookupRecord, one: Collection, files: Iterable[ResultFile], ready_at: float) -> bytes:
    """Write what the files hold: the counts are the ledger's, `lost` of them failed and have no record."""
    spec = progress.spec
    said = {
        "schema_version": SCHEMA_VERSION,
        "lookup_id": spec.lookup_id,
        "workspace": spec.workspace,
        "state": progress.state.value,
        "ended_at": timestamp(one.ended_at),
        "ready_at": timestamp(ready_at),
        "counts": one.counts.to_json(),
        "lost": one.lost,
        "files": [file.described() for file in files],
    }
    return json.dumps(said, indent=1).encode() + b"\n"
