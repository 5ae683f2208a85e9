"""Which objects of `parts/` need not be read, because collected files hold the same records and name nobody.

A lookup's parts are covered by its files once these are ready, answers at once and the intake queue's records by the
files of their hour: its manifest says which objects these were made of, and which they do not hold whole, for of two
groupings of the intake queue's messages the ledger counts one. A million users are 10,000 objects, and a few files.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lookup.collection.hours.objects import NAMES
from lookup.erasure.copies.parquet import count_rows
from lookup.erasure.objects import Objects, VersionedObject
from lookup.erasure.people import People
from lookup.ledger.collecting.collections import CollectionLedger, CollectionState
from lookup.model import epoch

PART = re.compile(r"parts/workspace=[^/]+/dt=(?P<day>[^/]+)/hour=(?P<hour>\d\d)/(?P<name>[^/]+)\.ndjson\.gz")
OF_A_LOOKUP = re.compile(r"(?P<lookup_id>.+)-\d{8}")
VISIBLE_WITHIN = 120.0  # seconds before a listing: by other clocks, and while it is written, an object may not be in it
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Covered:
    """Objects that were written until then (epoch seconds) are in files; whether these name somebody."""

    until: float
    names_somebody: bool
    but: frozenset[str] = frozenset()  # keys of objects that the files do not hold whole


NOTHING = Covered(NEVER, names_somebody=True)


class Coverage:
    """What collected files of a workspace hold, for one search: each file is read once."""

    def __init__(self, objects: Objects, ledger: CollectionLedger, people: People, workspace: str) -> None:
        self._objects = objects
        self._ledger = ledger
        self._people = people
        self._workspace = workspace
        self._known: dict[str, Covered] = {}
        self._naming: dict[str, bool | None] = {}

    def must_be_read(self, found: VersionedObject) -> bool:
        """Return whether an object of `parts/` may name somebody, by what its collected files hold."""
        match = PART.fullmatch(found.key)
        if found.former or found.current is None or match is None:
            return True
        covered = self._of(match)
        if covered.names_somebody or found.key in covered.but:
            return True
        return found.current.modified > covered.until

    def _of(self, match: re.Match[str]) -> Covered:
        if any(kind.fullmatch(match["name"].removeprefix(begin)) for begin, kind in NAMES.items()):
            return self._hour(match["day"], match["hour"])
        part = OF_A_LOOKUP.fullmatch(match["name"])
        if part is None:
            return NOTHING
        if part["lookup_id"] not in self._known:
            self._known[part["lookup_id"]] = self._lookup(part["lookup_id"])
        return self._known[part["lookup_id"]]

    def _hour(self, day: str, hour: str) -> Covered:
        """Return what the files of an hour hold, by the listing in their manifest; a release before wrote none."""
        key = f"results/workspace={self._workspace}/dt={day}/manifest/hour-{hour}.manifest.json"
        if key not in self._known:
            held, is_naming = self._objects.read(key), self._files_name_somebody(f"dt={day}", f"hour-{hour}")
            said = {} if held is None else json.loads(held.body)
            self._known[key] = NOTHING
            if is_naming is not None and "listed_at" in said:
                until = epoch(said["listed_at"]) - VISIBLE_WITHIN
                self._known[key] = Covered(until, is_naming, frozenset(said["left_out"]))
        return self._known[key]

    def _lookup(self, lookup_id: str) -> Covered:
        seen = self._ledger.read(lookup_id)
        if seen is None or seen.state is not CollectionState.READY or not seen.manifest or seen.ready_at is None:
            return NOTHING
        day, _, manifest = seen.manifest.split("/")[-3:]
        is_naming = self._files_name_somebody(day, manifest.removesuffix(".manifest.json"))
        return NOTHING if is_naming is None else Covered(seen.ready_at, is_naming)

    def _files_name_somebody(self, day: str, stem: str) -> bool | None:
        """Return whether the files of a lookup or an hour name somebody; None where there are none."""
        prefix = f"results/workspace={self._workspace}/{day}/parquet/{stem}-"
        if prefix not in self._naming:
            there = [one for one in self._objects.under(prefix) if one.current is not None]
            bodies = [held.body for one in there if (held := self._objects.read(one.key)) is not None]
            self._naming[prefix] = any(count_rows(body, self._people) for body in bodies) if bodies else None
        return self._naming[prefix]
