"""How far a lookup's results are collected: items beside the lookup's own, changed by whoever holds the claim.

lookup#<id>     results             of which end and round; collecting, ready or failed; how far; who is at it;
                                    `export_<format>` for each export (`exports`)
lookup#<id>     files#<round>#<n>   the files of one set, which are written and become visible when all of them are;
                                    those of an export have its format behind that: `#csv`
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lookup.ledger.collecting.exports import Export, ExportState, attribute_of, read_exports
from lookup.ledger.items import Item, deserialize, lookup_key, read_counts, read_record, serialize
from lookup.ledger.model import PARTS_SECONDS, RETENTION_SECONDS, LookupRecord, LookupState, RecordedPart
from lookup.ledger.table import LedgerTable
from lookup.model import Counts, timestamp

PAGE = 500  # parts of one request
PARTS_EXPIRY = "parts-expiry"  # the partition of lookups by the time at which their parts are deleted
MARGIN = 3600.0  # seconds between the last moment of a retry and the deletion: two functions' clocks may differ


class CollectionState(StrEnum):
    """Where the files of a lookup that has ended stand."""

    COLLECTING = "collecting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Collection:
    """What is collected of one end of a lookup, which is told from others by `round`.

    So many `sets` of files are written; `mark` is the number of the last part in them, and with `is_whole` none comes
    behind it. `lost` are identifiers that have no record. `token` and `held_until` say who is at it: a
    claim ends earlier, at `beat`, when its function has not moved that on.
    """

    ended_at: float
    round: int = 0
    state: CollectionState = CollectionState.COLLECTING
    mark: str = ""
    sets: int = 0
    is_whole: bool = False
    counts: Counts = field(default_factory=Counts)
    lost: int = 0
    token: str = ""
    held_until: float = 0.0
    beat: float = 0.0
    ready_at: float | None = None
    manifest: str | None = None
    files: int = 0
    bytes: int = 0
    changed: int = 0  # records in the files of changes
    is_announced: bool = False  # of files that are ready, and whether those of ends before a retry are gone
    reason: str | None = None
    exports: Mapping[str, Export] = field(default_factory=dict)  # by format

    @property
    def claimed_until(self) -> float:
        """Until when somebody is at it, as far as is known: without a beat, as long as the claim says."""
        return min(self.held_until, self.beat or self.held_until)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of the same parts, in each format, as JSON objects; those of an export name its format."""

    round: int
    number: int
    files: tuple[Mapping[str, Any], ...]
    export: str = ""


@dataclass(frozen=True, slots=True)
class DueParts:
    """A lookup, ended at `ended_at`, whose parts are due for deletion: those up to number `mark` are deleted."""

    due: str
    lookup_id: str
    ended_at: float
    mark: str = ""


class CollectionLedger:
    """The items of collections, and the records of parts as collecting reads them."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def read(self, lookup_id: str) -> Collection | None:
        """Read how far a lookup is collected; None when nobody has begun."""
        items = self._table.read([lookup_key(lookup_id, "results")])
        return _collection(items[0]) if items else None

    def read_all(self, lookup_ids: list[str]) -> dict[str, Collection]:
        """Read of several lookups how far they are collected."""
        items = self._table.read([lookup_key(one, "results") for one in lookup_ids])
        return {item["pk"]["S"].removeprefix("lookup#"): _collection(item) for item in items}

    def write(self, lookup_id: str, now: Collection, *, seen: Collection | None, files: FileSet | None = None) -> bool:
        """Write how far it is, and a set of files; False when somebody else wrote since `seen` was read or written."""
        action = self._table.put(self._item(lookup_id, now), absent=seen is None)
        if seen is not None:
            action["Put"] |= _unless_moved(seen)
        return self._table.try_write(action, *([] if files is None else [self.note_set(lookup_id, files)]))

    def publish(self, progress: LookupRecord, now: Collection, *, seen: Collection) -> bool:
        """Write that the files are ready; False when the lookup is not at this end any more, or as in `write`."""
        spec = progress.spec
        action = self._table.put(self._item(spec.lookup_id, now))
        action["Put"] |= _unless_moved(seen)
        due = expiry_item(spec.lookup_id, now.ended_at)
        return self._table.try_write(action, self.same_end(spec.lookup_id, now), self._table.put(due))

    def same_end(self, lookup_id: str, one: Collection) -> dict[str, Any]:
        """Return the action that requires a lookup to be at the end that a collection is of."""
        ended = {"ended": one.ended_at}
        return self._table.check(lookup_key(lookup_id, "state"), "#finished_at = :ended", ended)

    def beat(self, lookup_id: str, token: str, until: float) -> bool:
        """Move on until when a claim is alive; False when it is lost."""
        values = {"token": token, "until": until}
        key = lookup_key(lookup_id, "results")
        return self._table.update_item(key, "SET #beat = :until", values, condition="#token = :token") is not None

    def settle(self, lookup_id: str, ready: Collection) -> None:
        """Write that the event of files that are ready is published, and nothing is left of ends before."""
        seen = {"token": ready.token, "ended": ready.ended_at}
        condition = "#token = :token AND #ended_at = :ended"
        self._table.update_item(
            lookup_key(lookup_id, "results"), "SET #told = :yes", seen | {"yes": True}, condition=condition
        )

    def records(self, lookup_id: str, *, after: str) -> Iterator[RecordedPart]:
        """Read the parts that are in, by number, from the one behind `after` on, page by page."""
        mark = f"part#{after}" if after else ""
        for item in self._table.pages(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=PAGE):
            yield read_record(item)

    def due_parts(self, now: float, *, limit: int) -> list[DueParts]:
        """Read the lookups whose parts are due for deletion, the oldest first."""
        items = self._table.query(PARTS_EXPIRY, before=f"{timestamp(now)}~", limit=limit)  # ~ is behind #
        return [_due_parts(deserialize(item)) for item in items]

    def keep_due(self, due: DueParts, mark: str) -> None:
        """Remember up to which part a lookup's are deleted."""
        self._table.update_item(_due_key(due), "SET #mark = :mark", {"mark": mark})

    def forget_due(self, due: DueParts) -> None:
        """Remove a lookup from those whose parts are due."""
        self._table.write(self._table.delete(_due_key(due)))

    def sets(self, lookup_id: str) -> list[FileSet]:
        """Read all sets of files, of all rounds, in order."""
        items = self._table.query(f"lookup#{lookup_id}", prefix="files#")
        return [_file_set(deserialize(item)) for item in items]

    def forget(self, lookup_id: str, files: FileSet) -> None:
        """Forget a set whose files are gone."""
        self._table.write(self._table.delete(_set_key(lookup_id, files)))

    def replace_files(self, lookup_id: str, files: FileSet) -> None:
        """Write a set whose files hold something else by now; not one that is forgotten."""
        action = self.note_set(lookup_id, files)
        action["Put"]["ConditionExpression"] = "attribute_exists(pk)"
        self._table.try_write(action)

    def resize(self, lookup_id: str, seen: Collection, size: int, exported: Mapping[str, int]) -> None:
        """Write how many bytes the files of `seen` hold by now, and those of exports; not where one is made anew."""
        key, ended = lookup_key(lookup_id, "results"), {"ended": seen.ended_at, "ready": CollectionState.READY.value}
        at_this_end = "#ended_at = :ended AND #is = :ready"
        if size != seen.bytes:
            self._table.update_item(key, "SET #bytes = :bytes", ended | {"bytes": size}, condition=at_this_end)
        for name, export in seen.exports.items():
            now = replace(export, bytes=exported.get(name, export.bytes))
            if export.state is ExportState.READY and now != export:
                values, attribute = {"now": now.to_text(), "seen": export.to_text()}, f"#{attribute_of(name)}"
                self._table.update_item(key, f"SET {attribute} = :now", values, condition=f"{attribute} = :seen")

    def note_set(self, lookup_id: str, files: FileSet) -> dict[str, Any]:
        """Return the action that notes a set of files."""
        text = json.dumps(list(files.files), separators=(",", ":"))
        return self._table.put(_set_key(lookup_id, files) | serialize({"files": text, "expires_at": self._expires()}))

    def _expires(self) -> int:
        return int(self._table.clock()) + RETENTION_SECONDS

    def _item(self, lookup_id: str, one: Collection) -> Item:
        facts = {
            "is": one.state.value,
            "ended_at": one.ended_at,
            "round": one.round,
            "mark": one.mark,
            "sets": one.sets,
            "lost": one.lost,
            "whole": one.is_whole,
            "files": one.files,
            "token": one.token,
            "held_until": one.held_until,
            "beat": one.beat or None,
            "ready_at": one.ready_at,
            "manifest": one.manifest,
            "bytes": one.bytes,
            "changed": one.changed,
            "told": one.is_announced,
            "reason": one.reason,
            "expires_at": self._expires(),
        } | one.counts.to_json()
        facts |= {attribute_of(name): export.to_text() for name, export in one.exports.items()}
        return lookup_key(lookup_id, "results") | serialize(facts)


def expiry_item(lookup_id: str, ended_at: float) -> Item:
    """Return the entry by which the minute's tick finds a lookup whose parts are due for deletion."""
    due = ended_at + PARTS_SECONDS + MARGIN
    key = serialize({"pk": PARTS_EXPIRY, "sk": f"{timestamp(due)}#{lookup_id}"})
    return key | serialize({"ended_at": ended_at, "expires_at": int(due) + RETENTION_SECONDS})


def _due_key(one: DueParts) -> Item:
    return serialize({"pk": PARTS_EXPIRY, "sk": f"{one.due}#{one.lookup_id}"})


def _due_parts(facts: Mapping[str, Any]) -> DueParts:
    due, _, lookup_id = facts["sk"].partition("#")
    return DueParts(due, lookup_id, float(facts["ended_at"]), facts.get("mark", ""))


def is_over(progress: LookupRecord) -> bool:
    """Return whether a lookup has ended, and nothing of it is asked again."""
    return progress.finished_at is not None and progress.state in {LookupState.COMPLETED, LookupState.CANCELLED}


def _unless_moved(seen: Collection) -> dict[str, Any]:
    """Return the condition that an item is as it was: every writer writes a token or a length of time of its own."""
    return {
        "ConditionExpression": "#token = :token AND #held_until = :until AND #ended_at = :ended AND #is = :is",
        "ExpressionAttributeNames": {
            "#token": "token",
            "#held_until": "held_until",
            "#ended_at": "ended_at",
            "#is": "is",
        },
        "ExpressionAttributeValues": serialize(
            {":token": seen.token, ":until": seen.held_until, ":ended": seen.ended_at, ":is": seen.state.value}
        ),
    }


def _collection(item: Mapping[str, Any]) -> Collection:
    facts = deserialize(item)
    return Collection(
        ended_at=float(facts["ended_at"]),
        round=int(facts["round"]),
        state=CollectionState(facts["is"]),
        mark=facts["mark"],
        sets=int(facts["sets"]),
        counts=read_counts(facts),
        lost=int(facts["lost"]),
        is_whole=facts["whole"],
        files=int(facts["files"]),
        token=facts["token"],
        held_until=float(facts["held_until"]),
        beat=float(facts.get("beat", 0)),
        ready_at=float(facts["ready_at"]) if "ready_at" in facts else None,
        manifest=facts.get("manifest"),
        bytes=int(facts["bytes"]),
        changed=int(facts.get("changed", 0)),
        is_announced=facts["told"],
        reason=facts.get("reason"),
        exports=read_exports(facts),
    )


def _set_key(lookup_id: str, files: FileSet) -> Item:
    export = f"#{files.export}" if files.export else ""
    return lookup_key(lookup_id, f"files#{files.round:04}#{files.number:05}{export}")


def _file_set(facts: Mapping[str, Any]) -> FileSet:
    _, tried_in, number, *export = facts["sk"].split("#")
    return FileSet(int(tried_in), int(number), tuple(json.loads(facts["files"])), *export)
