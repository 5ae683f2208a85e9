"""Collected files: the Parquet of each set is searched, and all files of a set that names somebody are rewritten.

The files of a set hold the same records in several formats. Each keeps its name: readers of a folder never see a record
twice or not at all. The manifest gets the new sizes and hashes just before the last file of a set is replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from lookup.erasure.copies import parquet
from lookup.erasure.copies.texts import (
    Rewritten,
    aliases_in_lines,
    aliases_in_record,
    count_lines,
    names_in_record,
    pieces,
    redacted_line,
    rewrite_csv,
    rewrite_lines,
)
from lookup.erasure.objects import Content, Moved, Objects, VersionedObject
from lookup.erasure.people import People
from lookup.erasure.steps import EraseOthers, Finding, Note, Progress
from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collected_hours import HourLedger
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.collecting.hour_marks import Hour
from lookup.model import Identifier

MANIFESTS = "manifest"
NAME = re.compile(
    r"(?P<stem>.+?)(?:-bom)?(?P<changed>-changed)?-(?P<number>\d{5})\.(?P<ending>ndjson\.gz|parquet|csv\.gz)"
)
MAX_ATTEMPTS = 8  # of one object, each in conflict with another writer
Rewriter = Callable[[bytes, People], Rewritten]
REWRITERS: Mapping[str, Rewriter] = {
    "ndjson.gz": lambda body, people: rewrite_lines(pieces(body), people, names_in_record(people), redacted_line),
    "csv.gz": lambda body, people: rewrite_csv(pieces(body), people),
    "parquet": parquet.rewrite_rows,
}


@dataclass(frozen=True, slots=True)
class CollectedFile:
    """One object of a set: of which lookup or hour, and in which form."""

    found: VersionedObject
    stem: str
    number: str
    ending: str
    is_whole: bool

    @classmethod
    def of(cls, found: VersionedObject) -> CollectedFile | None:
        """Read the name of an object; None of one that is no collected file."""
        match = NAME.fullmatch(found.key.rpartition("/")[2])
        if match is None:
            return None
        return cls(found, match["stem"], match["number"], match["ending"], match["changed"] is None)


class Collected:
    """The files below `results/` of a workspace, day by day."""

    name = "results"

    def __init__(
        self, objects: Objects, ledger: CollectionLedger, hours: HourLedger, erase_others: EraseOthers
    ) -> None:
        self._objects = objects
        self._ledger = ledger
        self._hours = hours
        self._erase_others = erase_others

    def erase(self, people: People, workspace: str, *, after: str, note: Note) -> Iterator[Progress]:
        """Search set by set."""
        for day in self._objects.folders(f"results/workspace={workspace}/"):
            if f"{day}\uffff" <= after:
                continue
            sets = self._sets(day)
            for name in sorted(sets):
                mark = f"{day}{name}"
                if mark > after:
                    self._erase_set(day, sets[name], people, workspace, note)
                    yield Progress(mark, len(sets[name]))

    def _sets(self, day: str) -> Mapping[str, list[CollectedFile]]:
        sets: dict[str, list[CollectedFile]] = defaultdict(list)
        for found in self._objects.under(day):
            one = CollectedFile.of(found)
            if one is not None:
                sets[f"{one.stem}-{one.number}"].append(one)
        return sets

    def _erase_set(self, day: str, files: list[CollectedFile], people: People, workspace: str, note: Note) -> None:
        """Rewrite the files of a set, last the one by which it is known that the set names somebody.

        So whoever goes on after an end half-way finds that file as it was, and does the rest: files that are rewritten
        already are left, and the manifest gets the sizes and hashes of all.
        """
        former = {one.found.key: len(one.found.former) for one in files if one.found.former}
        for key, number in former.items():  # superseded or deleted: no reader has them, and S3 deletes them in a day
            note(Finding("former results", f"{key} former", number, "versions deleted"))
            self._objects.delete_former(key)
        there = [one for one in files if one.found.current]
        index = [one for one in there if one.ending == "parquet" and one.is_whole] or there
        searched = [(one, *self._searched(one, people)) for one in index]
        naming = [one for one, number, _ in searched if number]
        if not naming:
            return
        others = set[Identifier]().union(*(aliases for _, _, aliases in searched))
        self._erase_others(people, workspace, others, note)
        everybody, last = people.including(others), naming[-1]
        changes = {one.found.key: self._rewritten(one, everybody, note) for one in there if one is not last}
        self._replace_last(day, last, everybody, note, {key: one for key, one in changes.items() if one})

    def _replace_last(
        self, day: str, last: CollectedFile, people: People, note: Note, changes: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Write the manifest, with what the last file of a set will be, then that file."""
        key = last.found.key
        for _ in range(MAX_ATTEMPTS):
            held = self._objects.read(key)
            written = None if held is None else REWRITERS[last.ending](held.body, people)
            if held is None or written is None or not written.records:
                self._update_manifests(day, last.stem, changes)
                return
            note(Finding(self.name, key, written.records, "rewritten"))
            self._update_manifests(day, last.stem, {**changes, key: _facts(written.body, written)})
            if self._replaced(key, written.body, held):
                return
        raise AwsUnavailable(f"replacing a file met conflicts {MAX_ATTEMPTS} times")

    def _searched(self, one: CollectedFile, people: People) -> tuple[int, set[Identifier]]:
        """Return how many records of people a file holds, and their other identifiers; those of CSV lead to nobody."""
        held = self._objects.read(one.found.key)
        if held is None:
            return 0, set()
        if one.ending == "csv.gz":
            return rewrite_csv(pieces(held.body), people).records, set()
        if one.ending == "parquet":
            number = parquet.count_rows(held.body, people)
            return number, parquet.aliases_in_rows(held.body, people) if number else set()
        is_theirs, aliases = names_in_record(people), aliases_in_record(people)
        number = count_lines(pieces(held.body), people, is_theirs)
        return number, aliases_in_lines(pieces(held.body), people, is_theirs, aliases) if number else set()

    def _rewritten(self, one: CollectedFile, people: People, note: Note) -> Mapping[str, Any] | None:
        """Rewrite a file unless it names nobody, as after an invocation that ended half-way; return what it holds."""
        key = one.found.key
        for _ in range(MAX_ATTEMPTS):
            held = self._objects.read(key)
            if held is None:
                return None
            written = REWRITERS[one.ending](held.body, people)
            if not written.records:
                return _facts(held.body, written)
            note(Finding(self.name, key, written.records, "rewritten"))
            if self._replaced(key, written.body, held):
                return _facts(written.body, written)
        raise AwsUnavailable(f"replacing a file met conflicts {MAX_ATTEMPTS} times")

    def _replaced(self, key: str, body: bytes, held: Content) -> bool:
        try:
            self._objects.replace(key, body, held)
        except Moved:
            return False
        self._objects.delete_former(key)
        return True

    def _update_manifests(self, day: str, stem: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        for found in list(self._objects.under(f"{day}{MANIFESTS}/{stem}.")):
            if found.current is not None:
                self._update_manifest(found.key, changes)

    def _update_manifest(self, key: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        for _ in range(MAX_ATTEMPTS):
            held = self._objects.read(key)
            if held is None:
                return
            said = json.loads(held.body)
            files = [one | changes.get(one["key"], {}) for one in said["files"]]
            erased = sum(one.get("erased", 0) for one in files if one["format"] == "ndjson" and one["only"] is None)
            new = json.dumps(said | {"erased": erased, "files": files}, indent=1).encode() + b"\n"
            if new == held.body or self._replaced(key, new, held):
                size = sum(one["bytes"] for one in files)
                match said:
                    case {"lookup_id": str(lookup_id)}:
                        self._update_ledger(lookup_id, key, changes, size)
                    case {"workspace": str(workspace), "hour": str(hour)}:
                        self._update_hour(Hour.named(workspace, hour), key, size)
                return
        raise AwsUnavailable(f"replacing a manifest met conflicts {MAX_ATTEMPTS} times")

    def _update_ledger(
        self, lookup_id: str, manifest: str, changes: Mapping[str, Mapping[str, Any]], size: int
    ) -> None:
        """Write the sizes and hashes that the ledger has of a lookup's files, unless it is collected anew."""
        seen = self._ledger.read(lookup_id)
        if seen is None or seen.manifest != manifest:
            return
        exported: Counter[str] = Counter()
        for one in self._ledger.sets(lookup_id):
            renewed = replace(one, files=tuple(_changed(one.files, changes)))
            if renewed != one:
                self._ledger.replace_files(lookup_id, renewed)
            if one.export and one.round == seen.round:
                exported[one.export] += sum(file["size"] for file in renewed.files)
        self._ledger.resize(lookup_id, seen, size, exported)

    def _update_hour(self, hour: Hour, manifest: str, size: int) -> None:
        """Write the size that the ledger has of an hour's files; whoever is at the hour begins again."""
        for _ in range(MAX_ATTEMPTS):
            seen = self._hours.read(hour)
            if seen is None or seen.manifest != manifest or seen.bytes == size:
                return
            if self._hours.write(hour, replace(seen, bytes=size, token=uuid4().hex, held_until=0.0), seen=seen):
                return
        raise AwsUnavailable(f"writing an hour's size met conflicts {MAX_ATTEMPTS} times")


def _changed(
    files: Iterable[Mapping[str, Any]], changes: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    for file in files:
        new = changes.get(file["key"])
        yield file if new is None else {**file, "size": new["bytes"], "sha256": new["sha256"]}


def _facts(body: bytes, written: Rewritten) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "erased": written.erased}
