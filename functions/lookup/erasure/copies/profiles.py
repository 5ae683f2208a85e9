"""Profiles of erased people in DynamoDB, and the objects of what did not fit there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lookup.erasure.objects import Objects
from lookup.erasure.people import People
from lookup.erasure.steps import Finding, Note, Progress
from lookup.model import Attributes, Identifier
from lookup.results.oversize import Oversize, owned_prefix
from lookup.results.profile_item import from_item, key_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PROFILES, OVERSIZE = "profiles", "oversize"
OwnersOf = Callable[[str, Identifier], Sequence[str]]


class Profiles:
    """The items of people, those of their other identifiers whose attributes name them, and their objects.

    `owners_of` returns the hashes by which a user's objects may be named: one for each version of the key.
    """

    name = PROFILES

    def __init__(
        self, client: DynamoDBClient, table_name: str, objects: Objects, oversize: Oversize, owners_of: OwnersOf
    ) -> None:
        self._client = client
        self._table = table_name
        self._objects = objects
        self._oversize = oversize
        self._owners_of = owners_of

    def erase(self, people: People, workspace: str, *, after: str, note: Note) -> Iterator[Progress]:
        """Delete what is stored of people, in the order of their hashes."""
        hashed = sorted((self._owners_of(workspace, one)[0], one) for one in people.identifiers)
        for place, one in hashed:
            if place > after:
                for owned in (one, *self._erase(people, workspace, one, place, note)):
                    self._erase_objects(workspace, owned, note)
                yield Progress(place, 1)

    def _erase(self, people: People, workspace: str, one: Identifier, place: str, note: Note) -> Iterable[Identifier]:
        """Delete a person's item; return the other identifiers whose items were theirs, which are deleted too."""
        item = self._read(workspace, one)
        if item is None:
            return []
        aliases = [
            other for other in people.aliases(self._attributes(item)) if self._is_theirs(people, workspace, other)
        ]
        for number, other in enumerate(aliases, 1):
            self._delete(workspace, other, f"{place}.{number}", note)
        self._delete(workspace, one, place, note)
        return aliases

    def erase_others(self, people: People, workspace: str, others: Iterable[Identifier], note: Note) -> None:
        """Delete what is stored under other identifiers, that a record of theirs holds, if it is theirs, too."""
        for other in others:
            if self._is_theirs(people, workspace, other):
                self._delete(workspace, other, self._owners_of(workspace, other)[0], note)
                self._erase_objects(workspace, other, note)

    def _is_theirs(self, people: People, workspace: str, other: Identifier) -> bool:
        item = self._read(workspace, other)
        return item is not None and people.own(self._attributes(item))

    def _read(self, workspace: str, one: Identifier) -> Mapping[str, Any] | None:
        return self._client.get_item(TableName=self._table, Key=key_of(workspace, one), ConsistentRead=True).get("Item")

    def _attributes(self, item: Mapping[str, Any]) -> Attributes:
        """Return what is stored; nothing of an object that is gone."""
        key = item.get("attributes_key", {}).get("S")
        is_there = key is not None and self._objects.read(key) is not None
        if key is not None and not is_there:
            return {}
        return from_item(item, self._oversize.read(key) if key else None).attributes or {}

    def _delete(self, workspace: str, one: Identifier, place: str, note: Note) -> None:
        item = self._read(workspace, one)
        if item is None:
            return
        note(Finding(PROFILES, f"profile {place}", 1, "deleted"))
        key = item.get("attributes_key", {}).get("S")
        if key is not None:  # by its key in the item: an older release named objects by their content alone
            note(Finding(OVERSIZE, key, 1, "deleted"))
            self._objects.delete_all(key)
        self._client.delete_item(TableName=self._table, Key=key_of(workspace, one))

    def _erase_objects(self, workspace: str, one: Identifier, note: Note) -> None:
        for owner in self._owners_of(workspace, one):
            for found in list(self._objects.under(owned_prefix(workspace, owner))):
                if any(not version.is_marker for version in found.versions):
                    note(Finding(OVERSIZE, found.key, 1, "deleted"))
                self._objects.delete_all(found.key)
