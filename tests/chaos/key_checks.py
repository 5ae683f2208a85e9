"""A POST with an Idempotency-Key is served once: its answers name one lookup, and the ledger holds no second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.chaos.entries import INVALID, Entry
from tests.chaos.evidence import Evidence
from tests.chaos.findings import DOUBLED, Findings
from tests.chaos.http_events import roster_key
from tests.chaos.orders import Listed
from tests.chaos.requested import Requested


def check_keys(requested: Requested, evidence: Evidence, found: Findings) -> None:
    """Compare what was answered by key, and the ledger's lookups with the requests that may have led to them."""
    for key, lookups in requested.named.items():
        found.add(DOUBLED, f"key {key}: answered with {sorted(set(lookups))}", len(set(lookups)) - 1)
    requested_again = sum(call.forwarded_for in set(requested.again) for call in evidence.arrivals)
    found.add(DOUBLED, f"MoEngage was called {requested_again} times for what was answered already", requested_again)
    _check_rosters(requested, evidence, found)
    _check_inline(requested, evidence, found)


def _check_rosters(requested: Requested, evidence: Evidence, found: Findings) -> None:
    times = Counter(lookup.roster for lookup in evidence.lookups.values())
    for one in requested.requests:
        if isinstance(one, Listed) and one.channel == "roster" and one.key is not None:
            lookups = times[roster_key(one.name)]
            found.add(DOUBLED, f"key {one.key}: {lookups} lookups of one roster", lookups - 1)


def _check_inline(requested: Requested, evidence: Evidence, found: Findings) -> None:
    """Identify lookups over inline lists by their entries; a request without a key may have several."""
    lookups = Counter(usable(evidence.inline[key]) for key in _inline_rosters(evidence))
    requests = Counter(usable(one.entries) for one in requested.requests)
    unkeyed = {usable(one.entries) for one in requested.requests if one.key is None}
    for entries, number in lookups.items():
        if entries not in unkeyed:
            more = number - requests[entries]
            found.add(DOUBLED, f"{number} lookups of one list of {len(entries)} that came with a key", more)


def _inline_rosters(evidence: Evidence) -> list[str]:
    rosters = (lookup.roster for lookup in evidence.lookups.values())
    return [roster for roster in rosters if roster is not None and roster in evidence.inline]


def usable(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return what identifies a request: its usable entries. Its response may be lost, and the lookup is there."""
    return tuple(sorted(one for one in entries if one[0] != INVALID))
