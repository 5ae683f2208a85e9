"""Feeding in the ledger: claim → send → commit, because SQS is outside of every transaction.

A crash after the claim leaves it to whoever comes after its time: the same part is sent again, with the same number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from lookup.ledger_items import active_key, lookup_key, plain, read_record, record_item, sent_key, typed
from lookup.ledger_table import LedgerTable
from lookup.lookup_model import KEPT_SECONDS, Claim, Cursor, LookupSpec, LookupState, PartRecord, Segment
from lookup.model import Counts, Origin

LEASE = 60.0  # seconds that a feeder has for sending one part


@dataclass(frozen=True, slots=True)
class Sent:
    """A part that is out, of so many `entries`, `users` of which are identifiers."""

    number: str
    origin: Origin
    fed_at: float
    sent_at: float
    entries: int
    users: int


class LedgerFeed:
    """Where each lookup's feeding stands."""

    def __init__(self, table: LedgerTable) -> None:
        self._table = table

    def claim(self, spec: LookupSpec, cursor: Cursor, fed_at: float) -> Claim | None:
        """Claim the part at the cursor; None when somebody else did, has moved the cursor on, or ended the lookup.

        Only of an active lookup something new is claimed; what was claimed before, and maybe sent, is seen through.
        """
        claim = Claim(uuid4().hex, self._table.clock() + LEASE, fed_at)
        unmoved, seen = _as_seen(cursor)
        update = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #claim_token = :token, #claim_until = :until, #claim_fed_at = :fed_at",
            {"token": claim.token, "until": claim.until, "fed_at": claim.fed_at, **seen},
            condition=unmoved,
        )
        allowed = "attribute_not_exists(#finished_at)" if cursor.claim else "#is = :active"
        values = {} if cursor.claim else {"active": LookupState.ACTIVE.value}
        check = self._table.check(lookup_key(spec.lookup_id, "state"), allowed, values)
        return claim if self._table.written(update, check) else None

    def commit(self, spec: LookupSpec, cursor: Cursor, claim: Claim, segment: Segment, share: float) -> bool:
        """Move the cursor past a part that was sent; False when the claim was taken over.

        A segment without entries is no part: nothing of it was sent, and only the cursor moves.
        """
        number, is_part = segment.part.number, segment.entries > 0
        first_time = cursor.round == 0
        moved = {
            "at": segment.origin.end if first_time else cursor.position,
            "line": segment.next_line if first_time else cursor.line,
            "entries": segment.entries if first_time else 0,
            "after": "" if first_time else f"part#{number}",
            "exhausted": first_time and segment.origin.end >= spec.roster.size,
            "parts": int(is_part),
            "token": claim.token,
        }
        cursor_update = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #at = :at, #line = :line, #retried_after = :after, #exhausted = :exhausted "
            "REMOVE #claim_token, #claim_until, #claim_fed_at ADD #parts_fed :parts, #entries_fed :entries",
            moved,
            condition="#claim_token = :token",
        )
        return self._table.written(
            cursor_update,
            *(self._noted_as_sent(spec, segment) if is_part else ()),
            self._tagged(spec, segment.entries / share, fed_out=bool(moved["exhausted"])),
        )

    def _noted_as_sent(self, spec: LookupSpec, segment: Segment) -> tuple[dict[str, object], ...]:
        users = {"users": len(segment.part.identifiers)}
        out = self._table.put(self._sent_item(segment))
        return out, self._table.update(sent_key(spec.workspace), "ADD #users :users", users)

    def _tagged(self, spec: LookupSpec, gained: float, *, fed_out: bool) -> dict[str, object]:
        key = active_key(spec.workspace, spec.lookup_id)
        change, values = "ADD #tag :gained", {"gained": gained}
        if fed_out:
            change, values = f"SET #choosable = :no {change}", values | {"no": False}
        return self._table.update(key, change, values, condition="attribute_exists(#pk)")

    def exhaust(self, spec: LookupSpec, cursor: Cursor) -> bool:
        """Say that nothing is left to feed; False when somebody else has moved the cursor."""
        unmoved, seen = _as_seen(cursor)
        cursor_update = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #exhausted = :yes REMOVE #claim_token, #claim_until, #claim_fed_at",
            {"yes": True, **seen},
            condition=unmoved,
        )
        return self._table.written(cursor_update, self._tagged(spec, 0.0, fed_out=True))

    def failed_after(self, lookup_id: str, cursor: Cursor) -> PartRecord | None:
        """Find the part to retry after the cursor's last one, in order of number.

        It holds failures, or it held them: a feeder that died before its commit may have sent it, and it is in.
        """
        for record in self._records(lookup_id, cursor.retried_after):
            if record.counts.failed or record.origin.round == cursor.round:
                return record
        return None

    def _records(self, lookup_id: str, mark: str) -> Iterator[PartRecord]:
        for item in self._table.pages(f"lookup#{lookup_id}", prefix="part#", after=mark):
            yield read_record(item)

    def records(self, lookup_id: str, *, after: str, limit: int) -> list[PartRecord]:
        """Read a page of the parts that are in, by number, from the one `after` on."""
        mark = f"part#{after}" if after else ""
        items = self._table.query(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=limit)
        return [read_record(item) for item in items]

    def sent(self, lookup_id: str) -> list[Sent]:
        """Read which parts are out."""
        return [_sent(plain(item)) for item in self._table.query(f"lookup#{lookup_id}", prefix="sent#")]

    def sent_again(self, segment: Segment) -> None:
        """Note that a part that was lost is out again, unless it has come in since."""
        key = lookup_key(segment.part.lookup_id, f"sent#{segment.part.number}")
        values = {"now": self._table.clock(), "round": segment.origin.round}
        self._table.written(self._table.update(key, "SET #sent_at = :now", values, condition="#round = :round"))

    def lost(self, spec: LookupSpec, sent: Sent) -> bool:
        """Count a part that is lost for good as failed, unless it has come in since; it has no result object.

        Of a part that was to be retried, the outcomes of the round before stand.
        """
        failed = 0 if sent.origin.round else sent.entries
        counting = "ADD #requested :failed, #failed :failed, #parts_done :one"
        return self._table.written(
            self._lost_record(spec, sent),
            self._table.delete(lookup_key(spec.lookup_id, f"sent#{sent.number}")),
            self._table.update(lookup_key(spec.lookup_id, "counts"), counting, {"failed": failed, "one": 1}),
            self._table.update(sent_key(spec.workspace), "ADD #users :back", {"back": -sent.users}),
        )

    def _lost_record(self, spec: LookupSpec, sent: Sent) -> dict[str, object]:
        if sent.origin.round:
            key, values = lookup_key(spec.lookup_id, f"part#{sent.number}"), {"round": sent.origin.round}
            return self._table.update(key, "SET #round = :round", values, condition="#round < :round")
        counts = Counts(sent.entries, failed=sent.entries)
        record = PartRecord(sent.number, counts, "", sent.fed_at, sent.origin)
        expires = typed({"expires_at": int(self._table.clock()) + KEPT_SECONDS})
        return self._table.put(record_item(spec.lookup_id, record) | expires, absent=True)

    def _sent_item(self, segment: Segment) -> dict[str, object]:
        origin, part = segment.origin, segment.part
        facts: dict[str, object] = {
            "start": origin.start,
            "end": origin.end,
            "line": origin.line,
            "round": origin.round,
            "entries": segment.entries,
            "users": len(part.identifiers),
        }
        now = self._table.clock()
        facts |= {"fed_at": part.fed_at, "sent_at": now, "expires_at": int(now) + KEPT_SECONDS}
        return lookup_key(part.lookup_id, f"sent#{part.number}") | typed(facts)


def _as_seen(cursor: Cursor) -> tuple[str, dict[str, object]]:
    """Give the condition that nobody has moved or claimed the cursor since, and its values."""
    held = "#claim_token = :held" if cursor.claim else "attribute_not_exists(#claim_token)"
    token = cursor.claim.token if cursor.claim else None
    seen: dict[str, object] = {
        "fed": cursor.parts_fed,
        "seen_at": cursor.position,
        "round": cursor.round,
        "held": token,
    }
    return f"#parts_fed = :fed AND #at = :seen_at AND #round = :round AND {held}", seen


def _sent(facts: dict[str, float | int | str]) -> Sent:
    origin = Origin(*(int(facts[name]) for name in ("start", "end", "line", "round")))
    return Sent(
        number=str(facts["sk"]).removeprefix("sent#"),
        origin=origin,
        fed_at=float(facts["fed_at"]),
        sent_at=float(facts["sent_at"]),
        entries=int(facts["entries"]),
        users=int(facts["users"]),
    )
