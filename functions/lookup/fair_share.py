"""Whose turn it is: fairly over partners and their lookups, by what each was fed for its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lookup.ledger import Active


def choose(actives: Sequence[Active]) -> tuple[Active, float] | None:
    """Choose the lookup that was fed least for its share; give it with its share.

    A partner's weight is divided among its lookups, so that many small orders are worth no more than one.
    """
    choosable = [one for one in actives if one.choosable]
    if not choosable:
        return None
    lookups = Counter(one.partner for one in choosable)
    chosen = min(choosable, key=lambda one: (one.tag, one.submitted_at, one.lookup_id))
    return chosen, chosen.weight / lookups[chosen.partner]
