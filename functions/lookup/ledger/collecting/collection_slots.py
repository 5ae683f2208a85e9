"""Places for collections that take long: few at once, and one of each partner, so that the others' are not behind them.

collecting   large   the holders by partner: of which collection, and until when
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable

LARGE = 20_000  # records from which on a collection takes longer than the others may wait for: about two seconds
PLACES = 3  # for large collections, of the five functions that collect at once
MAX_ATTEMPTS = 20  # of a change that others get ahead of
KEY = serialize({"pk": "collecting", "sk": "large"})


@dataclass(frozen=True, slots=True)
class Holder:
    """A collection that is under way, until then at most (epoch seconds)."""

    work: str
    until: float


class CollectionSlots:
    """Takes and frees places."""

    def __init__(self, table: LedgerTable, *, places: int = PLACES) -> None:
        self._table = table
        self._places = places

    def take(self, partner: str, work: str, *, until: float) -> bool:
        """Take a place for this work of a partner until then; False when there is none for it now.

        Whoever continues the same work, after a function that died, takes its place over.
        """
        for _ in range(MAX_ATTEMPTS):
            revision, held = self._read()
            own = held.get(partner)
            if (own is not None and own.work != work) or (own is None and len(held) >= self._places):
                return False
            if self._write(revision, held | {partner: Holder(work, until)}):
                return True
        return False

    def release(self, partner: str, work: str) -> None:
        """Free the place of this work, if it still has one; one that stays is free when its time is over."""
        for _ in range(MAX_ATTEMPTS):
            revision, held = self._read()
            own = held.get(partner)
            if own is None or own.work != work or self._write(revision, _without(held, partner)):
                return

    def _read(self) -> tuple[str | None, dict[str, Holder]]:
        items = self._table.read([KEY])
        if not items:
            return None, {}
        facts = deserialize(items[0])
        held = {partner: Holder(*entry) for partner, entry in json.loads(facts["holders"]).items()}
        now = self._table.clock()
        return facts["revision"], {partner: one for partner, one in held.items() if one.until > now}

    def _write(self, revision: str | None, held: dict[str, Holder]) -> bool:
        text = json.dumps({partner: [one.work, one.until] for partner, one in held.items()})
        values: dict[str, object] = {"holders": text, "new": uuid4().hex}
        condition = "attribute_not_exists(#revision)"
        if revision is not None:
            values, condition = values | {"seen": revision}, "#revision = :seen"
        change = "SET #holders = :holders, #revision = :new"
        return self._table.update_item(KEY, change, values, condition=condition) is not None


def _without(held: dict[str, Holder], partner: str) -> dict[str, Holder]:
    return {name: one for name, one in held.items() if name != partner}
