"""What was found is what MoEngage held; no older fetch replaced a newer one; the quota held; nothing leaked."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import simplejson

from infra.local.simulator.process import WORKSPACE_ID, Arrival
from infra.local.simulator.users.population import Population
from lookup import exact_json
from tests.chaos.entries import Entry
from tests.chaos.evidence import Evidence, Record, entry_of
from tests.chaos.findings import EXCEEDED, LEAKS, WRONG, Findings

Attributes = Mapping[str, Any]


@dataclass
class Truth:
    """The users that exist, and how they changed: `versions` are spans of service time within which every user did.

    `blur` is how far apart the vendor's answer and the time that we gave the fetch may be.
    """

    population: Population
    versions: Sequence[tuple[float, float]] = ()
    blur: float = 0.0
    fields_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by message id: the attributes requested

    def __post_init__(self) -> None:
        self._known = lru_cache(maxsize=100_000)(self._read)

    def held(self, entry: Entry, at: float) -> Iterator[Attributes | None]:
        """Return what MoEngage may have returned for an identifier at a time: one answer, or two close to a change."""
        first = sum(latest <= at - self.blur for _, latest in self.versions)
        last = sum(earliest <= at + self.blur for earliest, _ in self.versions)
        for version in range(first, last + 1):
            yield self._known(entry, version)

    def _read(self, entry: Entry, version: int) -> Attributes | None:
        self.population.version = version
        attributes = self.population.find(WORKSPACE_ID, *entry)
        return None if attributes is None else exact_json.loads(simplejson.dumps(attributes, use_decimal=True))  # type: ignore[return-value]  # an object


def check_values(truth: Truth, evidence: Evidence, answered: Iterable[Record], found: Findings) -> None:
    """Compare every record and every stored profile with what MoEngage held when it was fetched."""
    newest: dict[Entry, str] = {}
    for record in _all(evidence, answered):
        entry, fetched_at = entry_of(record), record.get("fetched_at")
        if fetched_at is None:  # a GET that ended in 404 has no time
            continue
        newest[entry] = max(fetched_at, newest.get(entry, ""))
        fields = truth.fields_of.get(record.get("part", ""))
        _check_one(
            f"{record['outcome']} of {entry}", truth, entry, fetched_at, record["user_attributes"], fields, found
        )
    for entry, profile in evidence.profiles.items():
        for fetched_at, fields, attributes in profile.fetches():
            newer = {name for at, names in profile.requested() if at > fetched_at for name in names or ()}
            _check_one(f"profile {entry}", truth, entry, fetched_at, attributes, fields, found, newer)
    for entry, fetched_at in newest.items():
        stored = evidence.profiles.get(entry)
        if stored is None or stored.fetched_at < fetched_at:
            found.add(WRONG, f"profile {entry}: fetched at {fetched_at}, stored is {stored and stored.fetched_at}")


def _all(evidence: Evidence, answered: Iterable[Record]) -> Iterator[Record]:
    for records in evidence.objects.values():
        yield from (one for one in records if one["outcome"] in {"found", "not_found"})
    yield from (one for one in answered if one["outcome"] in {"found", "not_found"})


def _check_one(
    what: str,
    truth: Truth,
    entry: Entry,
    fetched_at: str,
    attributes: Attributes | None,
    fields: tuple[str, ...] | None,
    found: Findings,
    newer: Collection[str] = (),
) -> None:
    at = datetime.fromisoformat(fetched_at).timestamp()
    if not any(attributes == _only(held, fields, newer) for held in truth.held(entry, at)):
        found.add(WRONG, f"{what}: not what MoEngage held at {fetched_at}")


def _only(held: Attributes | None, fields: tuple[str, ...] | None, newer: Collection[str] = ()) -> Attributes | None:
    """Return the requested fields, less those that a newer fetch returned."""
    if held is None:
        return None
    return {name: one for name, one in held.items() if name not in newer and (fields is None or name in fields)}


def check_quota(arrivals: Sequence[Arrival], limit: int, window: float, found: Findings) -> None:
    """Check every window of the vendor's own time that ends with a call; whatever was sent counts."""
    for call, users in _windows(arrivals, window):
        found.add(EXCEEDED, f"call {call.number}: {users} users in {window} s, limit {limit}", users > limit)


def fullest(arrivals: Sequence[Arrival], window: float) -> int:
    """Return the users of the fullest window."""
    return max((users for _, users in _windows(arrivals, window)), default=0)


def _windows(arrivals: Sequence[Arrival], window: float) -> Iterator[tuple[Arrival, int]]:
    inside: deque[Arrival] = deque()
    users = 0
    for call in arrivals:
        inside.append(call)
        users += call.users
        while inside[0].monotonic < call.monotonic - window:
            users -= inside.popleft().users
        yield call, users


def needles(values: Iterable[str], keys: Iterable[str], token: str) -> dict[str, str]:
    """Return what must not be found, and what it is: attribute values, keys bare and as they travel, identifiers."""
    pairs = (b64encode(f"{WORKSPACE_ID}:{key}".encode()).decode() for key in keys)
    secrets = dict.fromkeys([*keys, *pairs], "a secret")
    return dict.fromkeys(values, "an attribute value") | secrets | {f"{token}-": "an identifier"}


def check_leaks(forbidden: Mapping[str, str], texts: Iterable[tuple[str, str]], found: Findings) -> Counter[str]:
    """Search every line of every log, metric, event and reason; return the number of lines by source and of metrics."""
    searched: Counter[str] = Counter()
    for source, text in texts:
        searched.update([source, "metric"] if '"_aws"' in text else [source])
        for needle, what in forbidden.items():
            if needle in text:
                found.add(LEAKS, f"{what} in {source}: {text[:300]}")
    return searched
