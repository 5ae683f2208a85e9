"""Rosters that name erased people: removed once nothing needs them; until then they are listed and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from lookup.erasure.copies.texts import candidates, names_escaped
from lookup.erasure.objects import Objects, VersionedObject
from lookup.erasure.people import People
from lookup.erasure.progress import KEPT
from lookup.erasure.steps import Finding, Note, Progress
from lookup.errors import Conflict, InvalidInput, NotFound
from lookup.ledger.lookups import LookupLedger
from lookup.model import Clock, Identifier
from lookup.rosters.copies import decompressed_text
from lookup.rosters.decompression import Bounds
from lookup.rosters.formats.detection import Kind, detect_format
from lookup.rosters.formats.parsing import json_entries, numbered_entries, peek
from lookup.rosters.keys import INLINE, ROSTERS, UNPACKED, uploaded_key
from lookup.rosters.references import RosterReferences
from lookup.rosters.retention import RosterRetention
from lookup.validation import ParsedIdentifier

CHUNK = 1024 * 1024  # bytes of text that are looked through at once
OVERLAP = 8192  # bytes: over the longest identifier, 512 characters of which each is escaped as two units
PARSED_MOST = 4 * 1024 * 1024  # bytes of text whose entries are parsed: some seconds
UNUSED_SECONDS = 3600.0  # for which a roster that nobody has looked up yet may be about to be


class Rosters:
    """Uploaded rosters, inline ones and copies."""

    name = "rosters"

    def __init__(
        self,
        objects: Objects,
        *,
        retention: RosterRetention,
        references: RosterReferences,
        ledger: LookupLedger,
        bounds: Bounds,
        clock: Clock,
        scheduled: Iterable[str] = (),
    ) -> None:
        """`scheduled` are the keys that the stage's own schedules name, of which the ledger has no reference."""
        self._scheduled = frozenset(scheduled)
        self._objects = objects
        self._bounds = bounds
        self._retention = retention
        self._references = references
        self._ledger = ledger
        self._clock = clock

    def erase(self, people: People, workspace: str, *, after: str, note: Note) -> Iterator[Progress]:  # noqa: ARG002 - a roster is of no workspace
        """Search roster by roster: one that names somebody is removed, or noted as needed."""
        for one in self._objects.under(ROSTERS, after=after):
            if self._names(one, people):
                is_needed = self._is_needed(one)
                note(Finding(self.name, one.key, 1, KEPT if is_needed else "deleted"))
                if not is_needed:
                    self.remove(one.key)
            yield Progress(one.key, 1)

    def remove_unneeded(self, keys: Iterable[str]) -> list[str]:
        """Remove those rosters that nothing needs any more; return the others."""
        there = [one for key in keys for one in self._objects.under(key) if one.key == key]
        return [one.key for one in there if self._is_needed(one) or not self.remove(one.key)]

    def remove(self, key: str) -> bool:
        """Remove a roster with all its versions; False when something needs it after all."""
        if key.startswith((INLINE, UNPACKED)):
            self._objects.delete_all(key)
            return True
        try:
            self._retention.delete(key)
        except NotFound:
            self._objects.delete_former(key)
        except Conflict:
            return False
        return True

    def _names(self, one: VersionedObject, people: People) -> bool:
        for version in one.versions:
            read = partial(self._objects.chunks, one.key, version)
            if version.size and names_somebody(read, people, self._bounds):
                return True
        return False

    def _is_needed(self, one: VersionedObject) -> bool:
        if one.key.startswith(INLINE):
            return self._runs(one.key.removeprefix(INLINE).removesuffix(".ndjson"), one)
        key = uploaded_key(one.key)
        if one.key in self._scheduled or (not one.key.startswith(UNPACKED) and self._references.schedules(key)):
            return True
        lookups = [lookup_id for _, lookup_id in self._references.lookups(key)]
        if not lookups:
            return self._is_young(one)
        return any(record.finished_at is None for record in self._ledger.get_many(lookups))

    def _runs(self, lookup_id: str, one: VersionedObject) -> bool:
        record = self._ledger.get(lookup_id)
        return self._is_young(one) if record is None else record.finished_at is None

    def _is_young(self, one: VersionedObject) -> bool:
        current = one.current
        return current is not None and current.modified > self._clock() - UNUSED_SECONDS


def names_somebody(
    read: Callable[[], Iterable[bytes]], people: People, bounds: Bounds, *, parsed_most: int = PARSED_MOST
) -> bool:
    """Return whether a roster, which `read` reads from its beginning, has an entry of these people.

    Of one that no lookup can read, whether their text is in it; so of a long one, whose entries would take minutes each
    time. One that unpacks to more than a lookup takes counts as one that does, for nobody can tell in any time.
    """
    try:
        if not _may_name(decompressed_text(read(), bounds=bounds), people):
            return False
        opening, whole = peek(_bounded(decompressed_text(read(), bounds=bounds), parsed_most))
        written = detect_format(opening)
        if written.kind is Kind.JSON:
            return any(_is_theirs(entry, people) for entry in json_entries(opening, whole))
        return any(_is_theirs(entry, people) for _, entry in numbered_entries(written, whole))
    except InvalidInput:
        return True


def _is_theirs(entry: ParsedIdentifier, people: People) -> bool:
    if isinstance(entry, Identifier):
        return entry in people.identifiers
    return any(value in entry.excerpt for value in people.values)


def _may_name(texts: Iterable[bytes], people: People) -> bool:
    """Return whether their text is there, with escapes of JSON or without."""
    before = b""
    for text in _joined(texts):
        window = before + text
        if candidates([window], people) or names_escaped(window, people):
            return True
        before = window[-OVERLAP:]
    return False


def _bounded(texts: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Yield a text whose entries are to be parsed. Raises `InvalidInput` behind so much of it."""
    length = 0
    for text in texts:
        length += len(text)
        if length > most:
            raise InvalidInput("roster", "is too long to be parsed")
        yield text


def _joined(texts: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for text in texts:
        waiting += text
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)
