"""The files of an hour: answers at once and the intake queue's records, as the files of lookups are.

`results/workspace=<w>/dt=<YYYY-MM-DD>/<folder>/hour-<HH>-<number>.<ending>`. The names of an hour's files never change:
what is collected anew replaces the file, which S3 does at once, so a reader of the folder never meets a record twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lookup.collection.file_sets import OpenFile, Writer
from lookup.collection.files import CHANGED, ENDINGS, SCHEMA_VERSION, Format, ResultFile, folder_of
from lookup.collection.formats.rows import Row
from lookup.collection.upload import Upload, Uploads
from lookup.ledger.collecting.hour_marks import Hour
from lookup.model import Counts, timestamp

MakeHourWriter = Callable[[Upload], Writer]


class HourFiles:
    """Writes the files of an hour, set by set; `tells_changes` lets it write the changes by themselves, too."""

    def __init__(
        self,
        uploads: Uploads,
        writers: Mapping[Format, MakeHourWriter],
        hour: Hour,
        *,
        tells_changes: bool,
        set_records: int,
        set_bytes: int,
    ) -> None:
        self._uploads = uploads
        self._writers = writers
        self._hour = hour
        self._tells_changes = tells_changes
        self._set_records = set_records
        self._set_bytes = set_bytes
        self._number = 0
        self._all: list[OpenFile] = []
        self._changed: list[OpenFile] = []
        self._records = 0
        self._sealed: list[ResultFile] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows; in the next set when there is no room in this one."""
        if not self._all or self._is_full():
            self._begin()
        self._records += len(rows)
        for file in self._all:
            file.add(rows)
        changed = [row for row in rows if row.is_changed] if self._tells_changes else []
        if changed:
            self._changed = self._changed or self._opened(CHANGED)
            for file in self._changed:
                file.add(changed)

    def sealed(self) -> list[ResultFile]:
        """End all files."""
        self._end()
        return self._sealed

    def abandon(self) -> None:
        """Remove what was sent of the files."""
        for file in (*self._all, *self._changed):
            file.upload.abandon()
        for ended in self._sealed:
            if ended.sealed.upload_id:
                self._uploads.abort(ended.sealed.key, ended.sealed.upload_id)

    def _is_full(self) -> bool:
        largest = max(file.upload.tell() for file in self._all)
        return self._records >= self._set_records or largest >= self._set_bytes

    def _begin(self) -> None:
        self._end()
        self._number += 1
        self._records = 0
        self._all = self._opened(None)

    def _end(self) -> None:
        ended = [*self._all, *self._changed]
        self._all, self._changed = [], []
        self._sealed += [file.sealed(may_be_held=True) for file in ended]

    def _opened(self, only: str | None) -> list[OpenFile]:
        return [self._open(written_as, make, only) for written_as, make in self._writers.items()]

    def _open(self, written_as: Format, make: MakeHourWriter, only: str | None) -> OpenFile:
        ending, content_type = ENDINGS[written_as]
        part = f"-{only}" if only else ""
        folder = f"{folder_of(self._hour.workspace, self._hour.start)}{written_as.value}{part}/"
        name = f"hour-{self._hour.of_day}{part}-{self._number:05}.{ending}"
        upload = self._uploads.begin(folder + name, content_type)
        return OpenFile(upload, make(upload), written_as, only)


def content_of(files: Sequence[ResultFile]) -> str:
    """Return the fingerprint of what files hold; of those whose bytes say nothing but that."""
    own = [f"{file.sealed.key} {file.sealed.sha256}" for file in files if file.format is Format.NDJSON]
    return hashlib.sha256("\n".join(own).encode()).hexdigest()


def hour_manifest_key(hour: Hour) -> str:
    """Name the manifest of an hour."""
    return f"{folder_of(hour.workspace, hour.start)}manifest/hour-{hour.of_day}.manifest.json"


@dataclass(frozen=True, slots=True)
class Listing:
    """Which objects the files of an hour were made of: those there were at a time, and which they do not hold whole."""

    listed_at: float
    left_out: Sequence[str]


def hour_manifest(hour: Hour, counts: Counts, files: Sequence[ResultFile], listing: Listing, ready_at: float) -> bytes:
    """Write what the files of an hour hold."""
    said = {
        "schema_version": SCHEMA_VERSION,
        "workspace": hour.workspace,
        "hour": hour.name,
        "ready_at": timestamp(ready_at),
        "counts": counts.to_json(),
        "files": [file.described() for file in files],
        "listed_at": timestamp(listing.listed_at),
        "left_out": list(listing.left_out),
    }
    return json.dumps(said, indent=1).encode() + b"\n"
