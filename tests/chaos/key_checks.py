"""A POST with an Idempotency-Key is served once: its answers name one lookup, and the ledger holds no second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.chaos.asked import Asked
from tests.chaos.entries import INVALID, Entry
from tests.chaos.evidence import Evidence
from tests.chaos.findings import DOUBLED, Findings
from tests.chaos.http_events import roster_key
from tests.chaos.orders import Listed


def check_keys(asked: Asked, evidence: Evidence, found: Findings) -> None:
    """Compare what was answered by key, and the ledger's lookups with the requests that may have led to them."""
    for key, lookups in asked.named.items():
        found.add(DOUBLED, f"key {key}: answered with {sorted(set(lookups))}", len(set(lookups)) - 1)
    asked_again = sum(call.forwarded_for in set(asked.again) for call in evidence.arrivals)
    found.add(DOUBLED, f"MoEngage was asked {asked_again} times for what was answered already", asked_again)
    _check_rosters(asked, evidence, found)
    _check_inline(asked, evidence, found)


def _check_rosters(asked: Asked, evidence: Evidence, found: Findings) -> None:
    times = Counter(lookup.roster for lookup in evidence.lookups.values())
    for one in asked.requests:
        if isinstance(one, Listed) and one.door == "roster" and one.key is not None:
            lookups = times[roster_key(one.name)]
            found.add(DOUBLED, f"key {one.key}: {lookups} lookups of one roster", lookups - 1)


def _check_inline(asked: Asked, evidence: Evidence, found: Findings) -> None:
    """Know lookups over lists that came in requests by what they hold; who sends no key may have several."""
    lookups = Counter(usable(evidence.inline[key]) for key in _inline_rosters(evidence))
    requests = Counter(usable(one.entries) for one in asked.requests)
    unkeyed = {usable(one.entries) for one in asked.requests if one.key is None}
    for entries, number in lookups.items():
        if entries not in unkeyed:
            more = number - requests[entries]
            found.add(DOUBLED, f"{number} lookups of one list of {len(entries)} that came with a key", more)


def _inline_rosters(evidence: Evidence) -> list[str]:
    rosters = (lookup.roster for lookup in evidence.lookups.values())
    return [roster for roster in rosters if roster is not None and roster in evidence.inline]


def usable(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Know a request again by what of it can be looked up: an answer may be lost, and the lookup is there."""
    return tuple(sorted(one for one in entries if one[0] != INVALID))
