"""Fetches of one user in any order of arrival, and what is known then by a model that replays them by their time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from lookup.model import Profile
from lookup.results.changes import with_changes
from lookup.results.stored_profile import StoredProfile, merge
from tests.lookup.services import customer

NAMES = ("a", "b", "c", "d")
START = 1_790_000_000.0
DAY = 24 * 3600
Held = Mapping[str, int]


@dataclass
class Known:
    """What the model knows: `at` and `value` of each name that was named by a fetch, `whole` of all others."""

    is_found: bool = False
    newest: float | None = None
    whole: tuple[float, Held] | None = None
    named: dict[str, tuple[float, int | None]] = field(default_factory=dict)

    def of(self, name: str) -> tuple[float, int | None] | None:
        """Return when a name was last fetched and its value, None for absent; nothing if that is not known."""
        if name in self.named:
            return self.named[name]
        return None if self.whole is None else (self.whole[0], self.whole[1].get(name))

    def answer(self, fields: tuple[str, ...] | None) -> tuple[float, Held | None] | None:
        """Return the age and the attributes of an answer."""
        if self.newest is None:
            return None
        if not self.is_found:
            return self.newest, None
        known = {name: self.of(name) for name in fields or NAMES}
        if None in known.values() or (fields is None and self.whole is None):
            return None
        told = {name: one for name, one in known.items() if one is not None}
        times = [at for at, _ in told.values()] + ([self.whole[0]] if fields is None and self.whole else [])
        return min(times), {name: value for name, (_, value) in told.items() if value is not None}


def replay(fetches: Iterable[Profile], *, now: float = START, days: int = 30) -> Known:
    """Return what is known after fetches of distinct times, of which those older than `days` do not count."""
    known = Known()
    for one in sorted(fetches, key=lambda fetch: fetch.fetched_at):
        attributes = one.attributes
        if attributes is None:
            known = Known(newest=one.fetched_at)
            continue
        alive = one.fetched_at + days * DAY > now
        if one.fields is None or not known.is_found:
            known = Known()
        known.is_found, known.newest = True, one.fetched_at
        if one.fields is None:
            known.whole = (one.fetched_at, attributes) if alive else None  # type: ignore[assignment]  # the values are ints here
        for name in one.fields or ():
            known.named[name] = (one.fetched_at, attributes.get(name))  # type: ignore[assignment]  # as above
    return known


def after(fetches: Iterable[Profile], stored: StoredProfile | None = None) -> StoredProfile | None:
    """Return what is stored when fetches have arrived in this order."""
    for one in fetches:
        stored = merge(stored, with_changes(one, stored)) or stored
    return stored


def fetch(at: float, attributes: Held | None, fields: Iterable[str] | None = None) -> Profile:
    """Return a fetch sent `at` seconds after the start; attributes that it did not request are left out."""
    named = None if fields is None else tuple(sorted(fields))
    if attributes is not None and named is not None:
        attributes = {name: value for name, value in attributes.items() if name in named}
    return Profile("default", customer("alice"), attributes, START + at, f"lookup-{at}", named)


HELD = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))
FIELDS = st.none() | st.sets(st.sampled_from(NAMES), min_size=1)
FETCHES = st.lists(st.tuples(HELD | st.none(), FIELDS), min_size=1, max_size=7).map(
    lambda drawn: [fetch(at / 8, attributes, fields) for at, (attributes, fields) in enumerate(drawn)]
)
QUESTIONS: tuple[tuple[str, ...] | None, ...] = (None, ("a",), ("b", "c"), NAMES)
