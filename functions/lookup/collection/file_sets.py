"""One set of files written from consecutive parts: each format, and the changes by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from lookup.collection.files import CHANGED, ENDINGS, Format, ResultFile, formats_of, key_of
from lookup.collection.formats.rows import Row
from lookup.collection.upload import Upload, Uploads
from lookup.ledger.collecting.collections import Collection
from lookup.ledger.model import LookupRecord, LookupSpec


class Writer(Protocol):
    """Writes rows into an upload."""

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what is left."""


MakeWriter = Callable[[Upload, LookupSpec], Writer]


class OpenFile:
    """One file that is being written."""

    def __init__(self, upload: Upload, writer: Writer, written_as: Format, only: str | None) -> None:
        self.upload = upload
        self._writer = writer
        self._format = written_as
        self._only = only
        self._records = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._writer.add(rows)
        self._records += len(rows)

    def sealed(self, *, may_be_held: bool) -> ResultFile:
        """End the file."""
        self._writer.close()
        return ResultFile(self.upload.sealed(may_be_held=may_be_held), self._format, self._only, self._records)


class FileSetWriter:
    """Writes a set; `writes_changes` makes it write the changes by themselves, too."""

    def __init__(
        self,
        uploads: Uploads,
        writers: Mapping[Format, MakeWriter],
        progress: LookupRecord,
        one: Collection,
        *,
        writes_changes: bool,
    ) -> None:
        self._uploads = uploads
        self._writers = writers
        self._progress = progress
        self._collection = one
        self._writes_changes = writes_changes
        self._number = one.sets + 1
        self._all = self._opened(None)
        self._changed: list[OpenFile] = []
        self.records = 0

    @property
    def size(self) -> int:
        """How many bytes the largest file holds so far."""
        return max(file.upload.tell() for file in self._all)

    def add(self, rows: Sequence[Row]) -> None:
        """Write the rows of one part."""
        self.records += len(rows)
        for file in self._all:
            file.add(rows)
        changed = [row for row in rows if row.is_changed] if self._writes_changes else []
        if changed:
            self._changed = self._changed or self._opened(CHANGED)
            for file in self._changed:
                file.add(changed)

    def sealed(self, *, may_be_held: bool) -> list[ResultFile]:
        """End the files."""
        return [file.sealed(may_be_held=may_be_held) for file in (*self._all, *self._changed)]

    def abandon(self) -> None:
        """Remove what was sent of the files."""
        for file in (*self._all, *self._changed):
            file.upload.abandon()

    def _opened(self, only: str | None) -> list[OpenFile]:
        opened = []
        for written_as in formats_of(self._progress.spec):
            key = key_of(self._progress, self._collection, self._number, written_as, only)
            upload = self._uploads.begin(key, ENDINGS[written_as][1])
            writer = self._writers[written_as](upload, self._progress.spec)
            opened.append(OpenFile(upload, writer, written_as, only))
        return opened
