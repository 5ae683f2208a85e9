"""Feeding in the ledger: claim → send → commit, because SQS is outside of every transaction.

After a crash the claim expires and another feeder takes it over: the same part is sent again, with the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from uuid import uuid4

from lookup.aws.dynamodb import ConditionsFailed
from lookup.errors import AwsUnavailable
from lookup.ledger.items import deserialize, in_flight_key, lookup_key, queued_key, read_record, record_item, serialize
from lookup.ledger.model import RETENTION_SECONDS, Claim, Cursor, FeedingStep, LookupSpec, LookupState, RecordedPart
from lookup.ledger.shares import Action, ReadyLookup, ShareLedger, Turn, cost, size_of
from lookup.ledger.table import LedgerTable
from lookup.model import PART_LIMIT, Counts, RosterRange

LEASE_SECONDS = 60.0  # of a claim
MAX_ATTEMPTS = 20  # of a commit that conflicts with changes of the lookup's state
REMOVE_CLAIM = "REMOVE #claim_token, #claim_until, #claim_fed_at, #claim_charged"
OWN_CLAIM = "#claim_token = :token"
PARTS_PER_SCAN = 500  # that one step of a retry reads


@dataclass(frozen=True, slots=True)
class InFlightPart:
    """A part in flight, of so many `entries`, `users` of which are identifiers."""

    lookup_id: str
    number: str
    origin: RosterRange
    fed_at: float
    sent_at: float
    entries: int
    users: int


class ClaimRefused(Enum):
    """The reason of a refused claim."""

    TAKEN = "another feeder claimed the part, moved the cursor, or the lookup ended"
    CONTENDED = "another feeder claimed a part of the same share"


class FeedingLedger:
    """Claims, cursors and the parts in flight."""

    def __init__(self, table: LedgerTable, shares: ShareLedger) -> None:
        self._table = table
        self._shares = shares

    def claim(self, spec: LookupSpec, cursor: Cursor, turn: Turn) -> Claim | ClaimRefused:
        """Claim the part at the cursor, and advance its partner's share by a full one, which the commit corrects.

        A new part is claimed of an active lookup alone; an earlier claim, maybe sent, has advanced it and is taken
        over in any state.
        """
        before = cursor.claim
        now = self._table.clock()
        claim = Claim(
            uuid4().hex,
            now + LEASE_SECONDS,
            before.fed_at if before else now,
            before.advanced if before else PART_LIMIT,
        )
        unmoved, seen = _unchanged(cursor)
        facts = {"token": claim.token, "until": claim.until, "fed_at": claim.fed_at, "charged": claim.advanced}
        update = self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #claim_token = :token, #claim_until = :until, #claim_fed_at = :fed_at, #claim_charged = :charged",
            facts | seen,
            condition=unmoved,
        )
        allowed = "attribute_not_exists(#finished_at)" if before else "#is = :active"
        values = {} if before else {"active": LookupState.ACTIVE.value}
        check = self._table.check(lookup_key(spec.lookup_id, "state"), allowed, values)
        actions = [update, check]
        if not before:
            actions += [self._advance_action(spec, turn, claim.advanced), self._count_action(spec, claimed=PART_LIMIT)]
        try:
            self._table.write(*actions)
        except ConditionsFailed as failure:
            return ClaimRefused.CONTENDED if failure.indexes == (2,) else ClaimRefused.TAKEN
        return claim

    def _advance_action(self, spec: LookupSpec, turn: Turn, entries: int) -> Action:
        """Return the action that advances a share's tag, if it is unchanged: so several feeders claim in turn."""
        moved = {"tag": turn.tag + cost(entries, spec.weight), "virtual": turn.virtual}
        seen = {"seen": turn.share.tag}
        unmoved = "#tag = :seen" + ("" if turn.share.tag else " OR attribute_not_exists(#tag)")
        return self._shares.update_share(spec, {}, settings=moved, condition=unmoved, seen=seen)

    def release(self, spec: LookupSpec, claim: Claim, *, take_back: bool) -> bool:
        """Release the claim of a part that could not be read; take the share back when AWS was unavailable."""
        cursor = lookup_key(spec.lookup_id, "cursor")
        back = [self._shares.update_share(spec, {"tag": -cost(claim.advanced, spec.weight)})] if take_back else []
        return self._table.try_write(
            self._table.update(cursor, REMOVE_CLAIM, {"token": claim.token}, condition=OWN_CLAIM),
            self._count_action(spec, claimed=-claim.advanced),
            *back,
        )

    def _count_action(self, spec: LookupSpec, **gains: int) -> Action:
        """Return the action that adds to the counts in flight."""
        adding = "ADD " + ", ".join(f"#{name} :{name}" for name in gains)
        return self._table.update(queued_key(spec.workspace), adding, gains)

    def commit(
        self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: FeedingStep, *, entry: ReadyLookup | None = None
    ) -> bool:
        """Move the cursor past a step whose part was sent. Return False when the claim was taken over.

        A step without entries is no part: nothing was sent, and only the cursor moves. `entry` is the lookup's ready
        entry as it was read.
        """
        for _ in range(MAX_ATTEMPTS):
            try:
                self._table.write(*self._commit_actions(spec, cursor, claim, step, entry))
            except ConditionsFailed as failure:
                if 0 in failure.indexes:
                    return False
                entry = self._shares.ready_entry(spec)
            else:
                return True
        raise AwsUnavailable("a commit met changes of the lookup's state through all retries")

    def _commit_actions(
        self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: FeedingStep, entry: ReadyLookup | None
    ) -> list[Action]:
        gains = {"tag": cost(size_of(step.entries, step.length), spec.weight) - cost(claim.advanced, spec.weight)}
        left = 0 if step.is_last else max(1, entry.left - step.users if entry else 1)
        ready, part = self._ready_action(spec, entry, gains, left), step.part
        users, unusable = len(part.identifiers), len(part.invalid)
        actions = [
            self._cursor_action(spec, cursor, claim, step),
            ready,
            self._shares.update_share(spec, gains),
            self._count_action(spec, users=users, unusable=unusable, claimed=-claim.advanced),
        ]
        if step.entries:
            actions.append(self._table.put(self._in_flight_item(step)))
        return [*actions, self._shares.mark_for_sweep(spec)] if step.is_last else actions

    def _ready_action(self, spec: LookupSpec, entry: ReadyLookup | None, gains: dict[str, int], left: int) -> Action:
        """Return the action that sets how much is left to feed, and add the change of the share to `gains`."""
        if entry is None:
            return self._shares.require_not_ready(spec)
        if left:
            gains["users"] = left - entry.left
            return self._shares.resize_ready(entry, left)
        gains |= {"ready": -1, "users": -entry.left}
        return self._shares.remove_ready(entry)

    def _cursor_action(self, spec: LookupSpec, cursor: Cursor, claim: Claim, step: FeedingStep) -> Action:
        first_time = cursor.retry_round == 0
        moved = {
            "at": step.origin.end if first_time else cursor.position,
            "line": step.next_line if first_time else cursor.line,
            "entries": step.entries if first_time else 0,
            "after": step.retried_after,
            "exhausted": step.is_last,
            "parts": int(step.entries > 0),
            "token": claim.token,
        }
        return self._table.update(
            lookup_key(spec.lookup_id, "cursor"),
            "SET #at = :at, #line = :line, #retried_after = :after, #exhausted = :exhausted "
            f"{REMOVE_CLAIM} ADD #parts_fed :parts, #entries_fed :entries",
            moved,
            condition=OWN_CLAIM,
        )

    def next_failed(self, lookup_id: str, cursor: Cursor) -> tuple[RecordedPart | None, str]:
        """Return the part to retry after the cursor's last one, by number, and the mark of the scan.

        It holds failures, or held them: a feeder that died before its commit may have sent it, and it is completed. If
        none of `PARTS_PER_SCAN` parts does, the next step continues at the mark; the mark is empty at the end.
        """
        mark = cursor.retried_after
        items = self._table.query(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=PARTS_PER_SCAN)
        for record in map(read_record, items):
            if record.counts.failed or record.origin.retry_round == cursor.retry_round:
                return record, f"part#{record.number}"
        return None, items[-1]["sk"]["S"] if len(items) == PARTS_PER_SCAN else ""

    def records(self, lookup_id: str, *, after: str, limit: int) -> list[RecordedPart]:
        """Read a page of the completed parts, by number, after the one of number `after`."""
        mark = f"part#{after}" if after else ""
        items = self._table.query(f"lookup#{lookup_id}", prefix="part#", after=mark, limit=limit)
        return [read_record(item) for item in items]

    def in_flight(self, workspace: str, lookup_id: str = "") -> list[InFlightPart]:
        """Read the parts in flight of a workspace, or of one lookup: as many as the queue is deep."""
        prefix = f"{lookup_id}#" if lookup_id else ""
        return [_in_flight_part(deserialize(item)) for item in self._table.query(f"out#{workspace}", prefix=prefix)]

    def mark_resent(self, step: FeedingStep) -> None:
        """Record that a lost part was sent again, unless it was completed since."""
        key = in_flight_key(step.part.workspace, step.part.lookup_id, step.part.number)
        values = {"now": self._table.clock(), "round": step.origin.retry_round}
        self._table.try_write(self._table.update(key, "SET #sent_at = :now", values, condition="#round = :round"))

    def count_as_lost(self, spec: LookupSpec, sent: InFlightPart) -> bool:
        """Count a lost part as failed, unless it was completed since; it has no result object.

        A lost part of a retry keeps the outcomes of the round before.
        """
        failed = 0 if sent.origin.retry_round else sent.entries
        back = {"back": -sent.users, "too": sent.users - sent.entries}
        counting = "ADD #requested :failed, #failed :failed, #parts_done :one"
        return self._table.try_write(
            self._lost_part_action(spec, sent),
            self._table.delete(in_flight_key(spec.workspace, spec.lookup_id, sent.number)),
            self._table.update(lookup_key(spec.lookup_id, "counts"), counting, {"failed": failed, "one": 1}),
            self._table.update(queued_key(spec.workspace), "ADD #users :back, #unusable :too", back),
        )

    def _lost_part_action(self, spec: LookupSpec, sent: InFlightPart) -> dict[str, object]:
        if sent.origin.retry_round:
            key, values = lookup_key(spec.lookup_id, f"part#{sent.number}"), {"round": sent.origin.retry_round}
            return self._table.update(key, "SET #round = :round", values, condition="#round < :round")
        counts = Counts(sent.entries, failed=sent.entries)
        record = RecordedPart(sent.number, counts, "", sent.fed_at, sent.origin)
        expires = serialize({"expires_at": int(self._table.clock()) + RETENTION_SECONDS})
        return self._table.put(record_item(spec.lookup_id, record) | expires, absent=True)

    def _in_flight_item(self, step: FeedingStep) -> dict[str, object]:
        origin, part = step.origin, step.part
        facts: dict[str, object] = {
            "start": origin.start,
            "end": origin.end,
            "line": origin.line,
            "round": origin.retry_round,
            "entries": step.entries,
            "users": len(part.identifiers),
        }
        now = self._table.clock()
        facts |= {"fed_at": part.fed_at, "sent_at": now, "expires_at": int(now) + RETENTION_SECONDS}
        return in_flight_key(part.workspace, part.lookup_id, part.number) | serialize(facts)


def _unchanged(cursor: Cursor) -> tuple[str, dict[str, object]]:
    """Return the condition that the cursor and its claim are unchanged, and its values."""
    held = "#claim_token = :held" if cursor.claim else "attribute_not_exists(#claim_token)"
    token = cursor.claim.token if cursor.claim else None
    seen: dict[str, object] = {
        "fed": cursor.parts_fed,
        "seen_at": cursor.position,
        "round": cursor.retry_round,
        "held": token,
    }
    return f"#parts_fed = :fed AND #at = :seen_at AND #round = :round AND {held}", seen


def _in_flight_part(facts: dict[str, float | int | str]) -> InFlightPart:
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
