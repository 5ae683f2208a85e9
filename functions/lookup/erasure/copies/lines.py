"""Objects of lines that are searched one by one: parts, returned users that nobody asked for, answers of Athena."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from lookup.erasure.copies.coverage import Coverage
from lookup.erasure.copies.texts import (
    Rewrite,
    aliases_in_lines,
    aliases_in_record,
    aliases_in_user,
    candidates,
    count_lines,
    line_blocks,
    names_in_record,
    names_in_user,
    pieces,
    redacted_line,
    rewrite_lines,
    unpacked,
)
from lookup.erasure.objects import Content, Moved, Objects, VersionedObject
from lookup.erasure.people import People
from lookup.erasure.steps import EraseOthers, Finding, Note, Progress
from lookup.errors import AwsUnavailable
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.model import Identifier

AT_ONCE = 16  # objects that are read at once: S3 takes its time over each
MOST_BYTES = 256 * 1024 * 1024  # of an answer of Athena that is searched: what the memory has room for
MAX_ATTEMPTS = 8  # of one object, each in conflict with another writer
Count = Callable[[bytes, People], int]
Aliases = Callable[[bytes, People], set[Identifier]]
MayName = Callable[[People, str], Callable[[VersionedObject], bool]]


class Lines:
    """The objects below a prefix; `rewrite` of None deletes an object that names somebody."""

    def __init__(
        self,
        objects: Objects,
        name: str,
        prefix: str,
        *,
        count: Count,
        rewrite: Rewrite | None,
        theirs: Callable[[People], Callable[[bytes], bool]],
        may_name: MayName = lambda *_: lambda _: True,
        aliases: Aliases = lambda *_: set(),
        erase_others: EraseOthers = lambda *_: None,
    ) -> None:
        """`may_name` makes, for a search, what tells which objects must be read at all.

        `aliases` are the other identifiers that an object's records of people hold, whose profiles `erase_others`
        deletes before the object is changed: after that nothing would lead to them.
        """
        self.name = name
        self._may_name = may_name
        self._objects = objects
        self._prefix = prefix
        self._count = count
        self._rewrite = rewrite
        self._theirs = theirs
        self._aliases = aliases
        self._erase_others = erase_others
        self._readers = ThreadPoolExecutor(AT_ONCE)

    def erase(self, people: People, workspace: str, *, after: str, note: Note) -> Iterator[Progress]:
        """Search object by object, several at once."""
        found = self._objects.under(self._prefix.format(workspace=workspace), after=after)
        must_be_read = self._may_name(people, workspace)
        while some := list(islice(found, AT_ONCE * 4)):
            read = filter(must_be_read, some)
            searched = sum(self._readers.map(lambda one: self._erase(one, people, workspace, note), read))
            yield Progress(some[-1].key, searched)

    def _erase(self, one: VersionedObject, people: People, workspace: str, note: Note) -> int:
        for version in one.former:
            held = self._objects.read(one.key, version)
            number = 0 if held is None else self._count(held.body, people)
            if held is not None and number:
                self._erase_others(people, workspace, self._aliases(held.body, people), note)
                note(Finding(self.name, f"{one.key} {version.version_id}", number, "version deleted"))
                self._objects.delete(one.key, version)
        if one.current is not None and self._rewrite is None and one.current.size > MOST_BYTES:
            note(Finding(self.name, one.key, 1, "deleted: too long to be searched"))
            self._objects.delete_all(one.key)
        elif one.current is not None:
            self._erase_current(one.key, people, workspace, note)
        return 1

    def _erase_current(self, key: str, people: People, workspace: str, note: Note) -> None:
        for _ in range(MAX_ATTEMPTS):
            held = self._objects.read(key)
            number = 0 if held is None else self._count(held.body, people)
            if held is None or not number:
                return
            self._erase_others(people, workspace, self._aliases(held.body, people), note)
            note(Finding(self.name, key, number, "rewritten" if self._rewrite else "deleted"))
            try:
                self._change(key, held, people)
            except Moved:
                continue
            return
        raise AwsUnavailable(f"replacing an object met conflicts {MAX_ATTEMPTS} times")

    def _change(self, key: str, held: Content, people: People) -> None:
        written = None
        if self._rewrite is not None:
            written = rewrite_lines(pieces(held.body), people, self._theirs(people), self._rewrite)
        if written is None or not written.left:
            self._objects.delete_all(key)
            return
        self._objects.replace(key, written.body, held)
        self._objects.delete_former(key)


def part_objects(objects: Objects, ledger: CollectionLedger, erase_others: EraseOthers) -> Lines:
    """Return the store of what workers wrote: a record of an erased person stays, and names nobody."""
    return Lines(
        objects,
        "parts",
        "parts/workspace={workspace}/",
        count=lambda body, people: count_lines(pieces(body), people, names_in_record(people)),
        rewrite=redacted_line,
        theirs=names_in_record,
        may_name=lambda people, workspace: Coverage(objects, ledger, people, workspace).must_be_read,
        aliases=lambda body, people: aliases_in_lines(
            pieces(body), people, names_in_record(people), aliases_in_record(people)
        ),
        erase_others=erase_others,
    )


def unmatched_users(objects: Objects, erase_others: EraseOthers) -> Lines:
    """Return the store of returned users that nobody asked for, whose lines are taken away."""
    return Lines(
        objects,
        "unmatched",
        "unmatched/workspace={workspace}/",
        count=lambda body, people: count_lines(pieces(body), people, names_in_user(people)),
        rewrite=lambda _: None,
        theirs=names_in_user,
        aliases=lambda body, people: aliases_in_lines(
            pieces(body), people, names_in_user(people), aliases_in_user(people)
        ),
        erase_others=erase_others,
    )


def query_results(objects: Objects) -> Lines:
    """Return the store of what Athena answered, in any form: what may name somebody is deleted."""
    return Lines(objects, "queries", "queries/", count=_mentions, rewrite=None, theirs=names_in_record)


def _mentions(body: bytes, people: People) -> int:
    return sum(len(candidates(lines, people)) for lines in line_blocks(unpacked(pieces(body))))
