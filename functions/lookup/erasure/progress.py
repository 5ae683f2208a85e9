"""What an erasure has found so far, by store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lookup.ledger.erasures import Found

KEPT = "needed"  # what is done about a roster that something needs


def totals(found: Iterable[Found]) -> Mapping[str, int]:
    """Return how many records were found and removed by store."""
    records: Counter[str] = Counter()
    for one in found:
        if one.done != KEPT:
            records[one.store] += one.records
    return dict(records)
