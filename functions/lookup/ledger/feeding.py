"""Feeding in the ledger: claim → send → commit, because SQS is outside of every transaction.

A crash after the claim leaves it to whoever comes after its time: the same part is sent again, with the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from uuid import uuid4

from lookup.aws.dynamodb import ConditionsFailed
from lookup.errors import AwsUnavailable
from lookup.ledger.fair_share import Turn, cost, size_of
from lookup.ledger.items import deserialize, lookup_key, out_key, read_record, record_item, sent_key, serialize
from lookup.ledger.model import KEPT_SECONDS, Claim, Cursor, LookupSpec, LookupState, RecordedPart, RosterSegment
from lookup.ledger.shares import Action, ReadyLookup, ShareLedger
from lookup.ledger.table import LedgerTable
from lookup.model import PART_LIMIT, Counts, RosterRange

LEASE = 60.0  # seconds that a feeder has for sending one part
TRIES = 20  # of a commit that meets changes of the lookup's state
UNCLAIMED = "REMOVE #claim_token, #claim_until, #claim_fed_at, #claim_charged"
OWN = "#claim_token = :token"
SCANNED = 500  # parts of a lookup that one step of a retry looks through


@dataclass(frozen=True, slots=True)
class InFlightPart:
    """A part that is out, of so many `entries`, `users` of which are identifiers."""

    lookup_id: str
    number: str
    origin: RosterRange
    fed_at: float
    sent_at: float
    entries: int
    users: int


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of a roster that was read for a claim, in `length` bytes; its part may be empty.

    `users` are those that it leaves fewer to be fed, by the estimate. `is_last` tells that nothing comes after it,
    `retried_after` is the sort key of the last part that a retry has passed.
    """

    segment: RosterSegment
    length: int
    users: int = 0
    is_last: bool = False
    retried_after: str = ""

    @property
    def size(self) -> int:
        """As how many entries it counts against its partner's share."""
        return size_of(self.segment.entries, self.length)


class Unclaimed(Enum):
    """Why a claim was not given."""

    TAKEN = "somebody else claimed the part, moved the cursor, or ended the lookup"
    OUTRUN = "somebody else was given a part of the same share"


class FeedingLedger:
    """Where each lookup's feeding stands."""

    def __init__(self, table: LedgerTable, shares: ShareLedger) -> None:
        self._table = table
        self._shares = shares

    def claim(self, spec: LookupSpec, cursor: Cursor, turn: Turn) -> Claim | Unclaimed:
        """Claim the part at the cursor, and charge the partner a full one: what it has less is given back later.

        Only of an active lookup something new is claimed; what was claimed before, and maybe sent, is seen through and
        was charged before.
        """
        before = cursor.claim
        now = self._table.clock()
        claim = Claim(
            uuid4().hex,
            now + LEASE,
            before.fed_at if before else now,
            before.charged if before else PART_LIMIT,
        )
        unmoved, seen = _as_seen(cursor)
        facts = {"token": claim.token, "until": claim.until, "fed_at": claim.fed_at, "charged": claim.charged}
        update = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #claim_token = :token, #claim_until = :until, #claim_fed_at = :fed_at, #claim_charged = :charged",
            facts | seen,
            condition=unmoved,
        )
        allowed = "attribute_not_exists(#finished_at)" if before else "#is = :active"
        values = {} if before else {"active": LookupState.ACTIVE.value}
        check = self._table.check(lookup_key(spec.lookup_id, "state"), allowed, values)
        charged = [] if before else [self._charged(spec, turn, claim.charged), self._counted(spec, claimed=PART_LIMIT)]
        try:
            self._table.write(update, check, *charged)
        except ConditionsFailed as failure:
            return Unclaimed.OUTRUN if failure.indexes == (2,) else Unclaimed.TAKEN
        return claim

    def _charged(self, spec: LookupSpec, turn: Turn, entries: int) -> Action:
        """Move a share's tag on, unless it was moved since it was read: of several feeders each is given a turn."""
        moved = {"tag": turn.tag + cost(entries, spec.weight), "virtual": turn.virtual}
        seen = {"seen": turn.share.tag}
        unmoved = "#tag = :seen" + ("" if turn.share.tag else " OR attribute_not_exists(#tag)")
        return self._shares.changed(spec, {}, settings=moved, condition=unmoved, seen=seen)

    def release(self, spec: LookupSpec, claim: Claim, *, give_back: bool) -> bool:
        """Let go of a part that could not be read; give back what was charged for it where AWS was in trouble."""
        cursor = lookup_key(spec.lookup_id, "cursor")
        back = [self._shares.changed(spec, {"tag": -cost(claim.charged, spec.weight)})] if give_back else []
        return self._table.written(
            self._table.update(cursor, UNCLAIMED, {"token": claim.token}, condition=OWN),
            self._counted(spec, claimed=-claim.charged),
            *back,
        )

    def _counted(self, spec: LookupSpec, **gains: int) -> Action:
        """Make the action that counts what is on the queue."""
        adding = "ADD " + ", ".join(f"#{name} :{name}" for name in gains)
        return self._table.update(sent_key(spec.workspace), adding, gains)

    def commit(
        self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: Step, *, entry: ReadyLookup | None = None
    ) -> bool:
        """Move the cursor past a piece whose part was sent; False when the claim was taken over.

        A segment without entries is no part: nothing of it was sent, and only the cursor moves. `entry` is the lookup's
        place among those that can be fed, as it was read.
        """
        for _ in range(TRIES):
            try:
                self._table.write(*self._committing(spec, cursor, claim, step, entry))
            except ConditionsFailed as failure:
                if 0 in failure.indexes:
                    return False
                entry = self._shares.entry(spec)
            else:
                return True
        raise AwsUnavailable("a lookup's state was changed whenever a part was to be committed")

    def _committing(
        self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: Step, entry: ReadyLookup | None
    ) -> list[Action]:
        gains = {"tag": cost(step.size, spec.weight) - cost(claim.charged, spec.weight)}
        place = self._place(spec, entry, gains, 0 if step.is_last else max(1, entry.left - step.users if entry else 1))
        part = step.segment.part
        out = self._counted(spec, users=len(part.identifiers), unusable=len(part.invalid), claimed=-claim.charged)
        sent = [self._table.put(self._sent_item(step.segment))] if step.segment.entries else []
        looked = [self._shares.look(spec)] if step.is_last else []
        return [self._moved(spec, cursor, claim, step), place, self._shares.changed(spec, gains), out, *sent, *looked]

    def _place(self, spec: LookupSpec, entry: ReadyLookup | None, gains: dict[str, int], left: int) -> Action:
        """Make the action that says how much is left to feed; what the share gains by it is added to `gains`."""
        if entry is None:
            return self._shares.absent(spec)
        if left:
            gains["users"] = left - entry.left
            return self._shares.resized(entry, left)
        gains |= {"ready": -1, "users": -entry.left}
        return self._shares.leaving(entry)

    def _moved(self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: Step) -> Action:
        segment, first_time = step.segment, cursor.round == 0
        moved = {
            "at": segment.origin.end if first_time else cursor.position,
            "line": segment.next_line if first_time else cursor.line,
            "entries": segment.entries if first_time else 0,
            "after": step.retried_after,
            "exhausted": step.is_last,
            "parts": int(segment.entries > 0),
            "token": claim.token,
        }
        return self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #at = :at, #line = :line, #retried_after = :after, #exhausted = :exhausted "
            f"{UNCLAIMED} ADD #parts_fed :parts, #entries_fed :entries",
            moved,
            condition=OWN,
        )

    def failed_after(self, lookup_id: str, cursor: Cursor) -> tuple[RecordedPart | None, str]:
        """Find the part to retry after the cursor's last one, in order of number; and how far was looked.

        It holds failures, or it held them: a feeder that died before its commit may have sent it, and it is in. Where
        there is none among `SCANNED` parts, the next step goes on from there; the mark is empty at the end.
        """
        mark = cursor.retried_after
        items = self._table.query(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=SCANNED)
        for record in map(read_record, items):
            if record.counts.failed or record.origin.retry_round == cursor.round:
                return record, f"part#{record.number}"
        return None, items[-1]["sk"]["S"] if len(items) == SCANNED else ""

    def records(self, lookup_id: str, *, after: str, limit: int) -> list[RecordedPart]:
        """Read a page of the parts that are in, by number, from the one `after` on."""
        mark = f"part#{after}" if after else ""
        items = self._table.query(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=limit)
        return [read_record(item) for item in items]

    def out(self, workspace: str, lookup_id: str = "") -> list[InFlightPart]:
        """Read which parts of a workspace, or of one lookup, are out; there are as many as the queue is deep."""
        prefix = f"{lookup_id}#" if lookup_id else ""
        return [_sent(deserialize(item)) for item in self._table.query(f"out#{workspace}", prefix=prefix)]

    def sent_again(self, segment: RosterSegment) -> None:
        """Note that a part that was lost is out again, unless it has come in since."""
        key = out_key(segment.part.workspace, segment.part.lookup_id, segment.part.number)
        values = {"now": self._table.clock(), "round": segment.origin.retry_round}
        self._table.written(self._table.update(key, "SET #sent_at = :now", values, condition="#round = :round"))

    def lost(self, spec: LookupSpec, sent: InFlightPart) -> bool:
        """Count a part that is lost for good as failed, unless it has come in since; it has no result object.

        Of a part that was to be retried, the outcomes of the round before stand.
        """
        failed = 0 if sent.origin.retry_round else sent.entries
        back = {"back": -sent.users, "too": sent.users - sent.entries}
        counting = "ADD #requested :failed, #failed :failed, #parts_done :one"
        return self._table.written(
            self._lost_record(spec, sent),
            self._table.delete(out_key(spec.workspace, spec.lookup_id, sent.number)),
            self._table.update(lookup_key(spec.lookup_id, "counts"), counting, {"failed": failed, "one": 1}),
            self._table.update(sent_key(spec.workspace), "ADD #users :back, #unusable :too", back),
        )

    def _lost_record(self, spec: LookupSpec, sent: InFlightPart) -> dict[str, object]:
        if sent.origin.retry_round:
            key, values = lookup_key(spec.lookup_id, f"part#{sent.number}"), {"round": sent.origin.retry_round}
            return self._table.update(key, "SET #round = :round", values, condition="#round < :round")
        counts = Counts(sent.entries, failed=sent.entries)
        record = RecordedPart(sent.number, counts, "", sent.fed_at, sent.origin)
        expires = serialize({"expires_at": int(self._table.clock()) + KEPT_SECONDS})
        return self._table.put(record_item(spec.lookup_id, record) | expires, absent=True)

    def _sent_item(self, segment: RosterSegment) -> dict[str, object]:
        origin, part = segment.origin, segment.part
        facts: dict[str, object] = {
            "start": origin.start,
            "end": origin.end,
            "line": origin.line,
            "round": origin.retry_round,
            "entries": segment.entries,
            "users": len(part.identifiers),
        }
        now = self._table.clock()
        facts |= {"fed_at": part.fed_at, "sent_at": now, "expires_at": int(now) + KEPT_SECONDS}
        return out_key(part.workspace, part.lookup_id, part.number) | serialize(facts)


def _as_seen(cursor: Cursor) -> tuple[str, dict[str, object]]:
    """Return the condition that nobody has moved or claimed the cursor since, and its values."""
    held = "#claim_token = :held" if cursor.claim else "attribute_not_exists(#claim_token)"
    token = cursor.claim.token if cursor.claim else None
    seen: dict[str, object] = {
        "fed": cursor.parts_fed,
        "seen_at": cursor.position,
        "round": cursor.round,
        "held": token,
    }
    return f"#parts_fed = :fed AND #at = :seen_at AND #round = :round AND {held}", seen


def _sent(facts: dict[str, float | int | str]) -> InFlightPart:
    origin = RosterRange(*(int(facts[name]) for name in ("start", "end", "line", "round")))
    lookup_id, _, number = str(facts["sk"]).partition("#")
    return InFlightPart(
        lookup_id=lookup_id,
        number=number,
        origin=origin,
        fed_at=float(facts["fed_at"]),
        sent_at=float(facts["sent_at"]),
        entries=int(facts["entries"]),
        users=int(facts["users"]),
    )
