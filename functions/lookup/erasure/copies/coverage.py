"""Which objects of `parts/` need not be read, because collected files hold the same records and name nobody.

A lookup's parts are covered by its files once these are ready, answers at once by the files of their hour. A million
users of a lookup are 10,000 objects of parts, and a few files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lookup.erasure.copies.parquet import count_rows
from lookup.erasure.objects import Objects, VersionedObject
from lookup.erasure.people import People
from lookup.ledger.collecting.collections import CollectionLedger, CollectionState

COLLECTED_AT = "collected"  # metadata of a rewritten file: when what it holds was collected
PART = re.compile(r"parts/workspace=[^/]+/dt=(?P<day>[^/]+)/hour=(?P<hour>\d\d)/(?P<name>[^/]+)\.ndjson\.gz")
OF_A_LOOKUP = re.compile(r"(?P<lookup_id>.+)-\d{8}")
ANSWERS = re.compile(r"answers-[0-9a-f]{32}|on-demand-[0-9a-f]{32}-000001")
# A collection of an hour lists objects some time before its files are there.
LISTED_BEFORE = 20 * 60.0
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Covered:
    """Objects that were written until then (epoch seconds) are in files; whether these name somebody."""

    until: float
    names_somebody: bool


NOTHING = Covered(NEVER, names_somebody=True)


class Coverage:
    """What collected files of a workspace hold, for one search: each file is read once."""

    def __init__(self, objects: Objects, ledger: CollectionLedger, people: People, workspace: str) -> None:
        self._objects = objects
        self._ledger = ledger
        self._people = people
        self._workspace = workspace
        self._known: dict[str, Covered] = {}

    def must_be_read(self, found: VersionedObject) -> bool:
        """Return whether an object of `parts/` may name somebody, by what its collected files hold."""
        match = PART.fullmatch(found.key)
        if found.former or found.current is None or match is None:
            return True
        covered = self._of(match)
        return covered.names_somebody or found.current.modified > covered.until

    def _of(self, match: re.Match[str]) -> Covered:
        if ANSWERS.fullmatch(match["name"]):
            return self._files(f"dt={match['day']}", f"hour-{match['hour']}")
        # What has another name is the intake queue's: of two groupings of its messages the ledger counts one, and the
        # files hold that one alone.
        part = OF_A_LOOKUP.fullmatch(match["name"])
        if part is None:
            return NOTHING
        if part["lookup_id"] not in self._known:
            self._known[part["lookup_id"]] = self._lookup(part["lookup_id"])
        return self._known[part["lookup_id"]]

    def _lookup(self, lookup_id: str) -> Covered:
        seen = self._ledger.read(lookup_id)
        if seen is None or seen.state is not CollectionState.READY or not seen.manifest or seen.ready_at is None:
            return NOTHING
        day, _, manifest = seen.manifest.split("/")[-3:]
        files = self._files(day, manifest.removesuffix(".manifest.json"))
        return files if files is NOTHING else Covered(seen.ready_at, files.names_somebody)

    def _files(self, day: str, stem: str) -> Covered:
        prefix = f"results/workspace={self._workspace}/{day}/parquet/{stem}-"
        if prefix not in self._known:
            self._known[prefix] = self._read(prefix)
        return self._known[prefix]

    def _read(self, prefix: str) -> Covered:
        moments, names_somebody = list[float](), False
        for one in self._objects.under(prefix):
            held = None if one.current is None else self._objects.read(one.key)
            if held is None or one.current is None:
                continue
            moments.append(float(held.like["Metadata"].get(COLLECTED_AT, one.current.modified)))
            names_somebody = names_somebody or count_rows(held.body, self._people) > 0
        return Covered(min(moments) - LISTED_BEFORE, names_somebody) if moments else NOTHING
