"""Exports in the ledger: requested by a partner, claimed, made set by set and finished by whoever holds the claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lookup.errors import LimitExceeded
from lookup.ledger.collecting.collections import Collection, CollectionLedger, FileSet
from lookup.ledger.collecting.exports import Export, ExportState, attribute_of
from lookup.ledger.items import Item, deserialize, lookup_key, serialize
from lookup.ledger.model import RETENTION_SECONDS, LookupRecord, Reservation
from lookup.ledger.table import LedgerTable

LIMIT = 10  # exports of one partner that are not made yet
HELD = "#is = :ready AND #ended_at = :ended AND #token = :token"


class ExportLedger:
    """The exports' attributes of `results`, and which of a partner are open."""

    def __init__(self, table: LedgerTable, collections: CollectionLedger, *, limit: int = LIMIT) -> None:
        self._table = table
        self._collections = collections
        self._limit = limit

    def request(self, progress: LookupRecord, seen: Collection, written_as: str) -> bool:
        """Note an export that is not there, or has failed; False when the collection is another by now.

        Raises `LimitExceeded` when its partner has as many open as it may.
        """
        lookup_id, partner = progress.spec.lookup_id, progress.spec.partner
        before = seen.exports.get(written_as)
        asked = Export(self._table.clock())
        facts = {"asked": asked.to_text(), "ready": "ready", "ended": seen.ended_at}
        unmoved = "#is = :ready AND #ended_at = :ended AND " + _same(written_as, before)
        known = {} if before is None else {"before": before.to_text()}
        note = self._table.update(
            lookup_key(lookup_id, "results"),
            f"SET #{attribute_of(written_as)} = :asked",
            facts | known,
            condition=unmoved,
        )
        for is_last in (False, True):
            try:
                return self._table.try_write_with([note], [self._reservation(partner, _entry(lookup_id, written_as))])
            except LimitExceeded:
                if is_last or not self._forget_finished(partner):
                    raise
        return False

    def ask_again(self, progress: LookupRecord, seen: Collection, written_as: str) -> bool:
        """Note that an export is asked for once more; False when somebody else wrote it since `seen` was read.

        So that of many requests one has an event sent: each is a message that comes again until the export is made.
        """
        before = seen.exports[written_as]
        asked = replace(before, requested_at=self._table.clock())
        values = {"asked": asked.to_text(), "before": before.to_text(), "ready": "ready", "ended": seen.ended_at}
        condition = "#is = :ready AND #ended_at = :ended AND " + _same(written_as, before)
        key, change = lookup_key(progress.spec.lookup_id, "results"), f"SET #{attribute_of(written_as)} = :asked"
        return self._table.update_item(key, change, values, condition=condition) is not None

    def _reservation(self, partner: str, entry: str) -> Reservation:
        values = {"one": {entry}, "entry": entry, "most": self._limit, "expires": self._expires()}
        room = "attribute_not_exists(#open) OR size(#open) < :most OR contains(#open, :entry)"
        change = "SET #expires_at = :expires ADD #open :one"
        action = self._table.update(_open_key(partner), change, values, condition=room)
        return Reservation(action, lambda: LimitExceeded("exports", self._limit))

    def _forget_finished(self, partner: str) -> bool:
        """Remove entries whose export is not under way any more; return whether there were some."""
        items = self._table.read([_open_key(partner)])
        entries: set[str] = deserialize(items[0]).get("open", set()) if items else set()
        found = self._collections.read_all(sorted({one.partition("#")[0] for one in entries}))
        ended = {one for one in entries if not _is_open(found.get(one.partition("#")[0]), one)}
        if ended:
            self._table.write(self._removal(partner, ended))
        return bool(ended)

    def forget(self, partner: str, lookup_id: str, written_as: str) -> None:
        """Remove the entry of an export that is not under way any more."""
        self._table.write(self._removal(partner, {_entry(lookup_id, written_as)}))

    def claim(self, lookup_id: str, seen: Collection, *, token: str, until: float) -> Collection | None:
        """Claim a lookup's exports until then (epoch seconds); None when somebody else wrote since `seen` was read."""
        values = _held(seen) | {"own": token, "until": until, "seen": seen.held_until}
        change = "SET #token = :own, #held_until = :until, #beat = :until"
        condition = f"{HELD} AND #held_until = :seen"
        if self._table.update_item(lookup_key(lookup_id, "results"), change, values, condition=condition) is None:
            return None
        return replace(seen, token=token, held_until=until, beat=until)

    def release(self, lookup_id: str, claimed: Collection) -> None:
        """End a claim."""
        change, values = "SET #held_until = :never", _held(claimed) | {"never": 0.0}
        self._table.update_item(lookup_key(lookup_id, "results"), change, values, condition=HELD)

    def note_set(self, lookup_id: str, claimed: Collection, written_as: str, export: Export, files: FileSet) -> bool:
        """Note a set of files that is written; False when the claim is lost."""
        return self._table.try_write(
            self._change(lookup_id, claimed, written_as, export), self._collections.note_set(lookup_id, files)
        )

    def finish(self, progress: LookupRecord, claimed: Collection, written_as: str, export: Export) -> bool:
        """Write that an export is ready, has failed, or begins anew; False when the claim is lost, or a retry begun."""
        lookup_id = progress.spec.lookup_id
        actions = [
            self._change(lookup_id, claimed, written_as, export, releases=True),
            self._collections.same_end(lookup_id, claimed),
        ]
        if export.state is not ExportState.COLLECTING:
            actions.append(self._removal(progress.spec.partner, {_entry(lookup_id, written_as)}))
        return self._table.try_write(*actions)

    def _change(
        self, lookup_id: str, claimed: Collection, written_as: str, export: Export, *, releases: bool = False
    ) -> dict[str, Any]:
        change = f"SET #{attribute_of(written_as)} = :export" + (", #held_until = :never" if releases else "")
        values = _held(claimed) | {"export": export.to_text()} | ({"never": 0.0} if releases else {})
        return self._table.update(lookup_key(lookup_id, "results"), change, values, condition=HELD)

    def _removal(self, partner: str, entries: set[str]) -> dict[str, Any]:
        values = {"ended": entries, "expires": self._expires()}
        return self._table.update(_open_key(partner), "SET #expires_at = :expires DELETE #open :ended", values)

    def _expires(self) -> int:
        return int(self._table.clock()) + RETENTION_SECONDS


def _is_open(one: Collection | None, entry: str) -> bool:
    export = one.exports.get(entry.partition("#")[2]) if one is not None else None
    return export is not None and export.state is ExportState.COLLECTING


def _same(written_as: str, before: Export | None) -> str:
    name = f"#{attribute_of(written_as)}"
    return f"attribute_not_exists({name})" if before is None else f"{name} = :before"


def _held(one: Collection) -> dict[str, object]:
    return {"ready": "ready", "ended": one.ended_at, "token": one.token}


def _entry(lookup_id: str, written_as: str) -> str:
    return f"{lookup_id}#{written_as}"


def _open_key(partner: str) -> Item:
    return serialize({"pk": f"exports#{partner}", "sk": "open"})
