"""What every store does for an erasure: it goes through its places in order, and says how far it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from lookup.erasure.people import People
from lookup.model import Identifier


@dataclass(frozen=True, slots=True)
class Finding:
    """Records that name somebody, at one place of a store, and what is done about them."""

    store: str
    place: str
    records: int
    done: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A store is done up to `mark`, and has searched so many places since the mark before."""

    mark: str
    searched: int


Note = Callable[[Finding], None]
# Deletes what is stored of people of a workspace under other identifiers, which a store found in their records.
EraseOthers = Callable[[People, str, Iterable[Identifier], Note], None]


class Store(Protocol):
    """One kind of place that may hold data of people."""

    @property
    def name(self) -> str:
        """What the receipt calls it."""

    def erase(self, people: People, workspace: str, *, after: str, note: Note) -> Iterator[Progress]:
        """Remove what is found behind the mark `after`; `note` is called before anything is changed."""
