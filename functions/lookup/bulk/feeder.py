"""Which part goes on the queue next: fairly over partners, and only as many as will soon be served.

Work waits in S3, not in SQS, so a small lookup overtakes a huge one, and pausing, cancelling and estimating are only
what the feeder reads from the ledger. What it reads does not grow with the number of lookups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError

from lookup.bulk.completion import LookupCompletion
from lookup.bulk.queues import Queues
from lookup.errors import InvalidInput, Misconfigured, NotFound, ServiceError
from lookup.ledger.feeding import LEASE_SECONDS, ClaimRefused, FeedingLedger
from lookup.ledger.lookups import InFlight, LookupLedger
from lookup.ledger.model import Claim, Cursor, FeedingStep, LookupRecord, LookupSpec
from lookup.ledger.shares import INTAKE, ReadyLookup, Share, Turn, cost, first_turn, turns
from lookup.model import PART_LIMIT, Clock, Part, RosterRange
from lookup.rosters.reader import CHUNK, RosterReader
from lookup.settings import Settings
from lookup.telemetry import logger

SCAN_BYTES = 100_000  # that looking through the records of parts counts as


class FeedingSteps:
    """Reads what comes after a lookup's cursor."""

    def __init__(self, feed: FeedingLedger, reader: RosterReader) -> None:
        self._feed = feed
        self._reader = reader

    def next(self, progress: LookupRecord, fed_at: float) -> FeedingStep:
        """Read the step at the cursor. Raises `NotFound` when the roster is gone, `Misconfigured` if it is barred."""
        return self._first(progress, fed_at) if progress.cursor.retry_round == 0 else self._retried(progress)

    def _first(self, progress: LookupRecord, fed_at: float) -> FeedingStep:
        spec, cursor = progress.spec, progress.cursor
        step = self._reader.next_step(
            spec, position=cursor.position, line=cursor.line, number=f"{cursor.parts_fed + 1:08}", fed_at=fed_at
        )
        if step is None:
            return replace(_empty(spec, cursor), is_last=True)
        return replace(step, users=step.entries, is_last=step.origin.end >= spec.roster.size)

    def _retried(self, progress: LookupRecord) -> FeedingStep:
        spec, cursor = progress.spec, progress.cursor
        record, mark = self._feed.next_failed(spec.lookup_id, cursor)
        empty = _empty(spec, cursor)
        if record is None:
            return replace(empty, length=SCAN_BYTES, is_last=not mark, retried_after=mark)
        origin = RosterRange(record.origin.start, record.origin.end, record.origin.line, cursor.retry_round)
        step = self._reader.reread_step(spec, origin, number=record.number, fed_at=record.fed_at) or empty
        return replace(step, length=origin.end - origin.start, users=record.counts.failed, retried_after=mark)


def _empty(spec: LookupSpec, cursor: Cursor) -> FeedingStep:
    """Return a step that holds nothing, and moves nothing on."""
    part = Part(
        lookup_id=spec.lookup_id, number="", workspace=spec.workspace, identifiers=(), submitted_at=spec.submitted_at,
        fed_at=0.0,
    )  # fmt: skip
    origin = RosterRange(cursor.position, cursor.position, cursor.line, cursor.retry_round)
    return FeedingStep(part, origin, cursor.line, 0)


QUEUE_SECONDS = 30.0  # of quota on the queue: enough that no worker runs dry, little enough that nobody waits long
FEED_SECONDS = 5.0  # that one call feeds, however little it finds
MAX_PARTS = 5  # that one call feeds: every part that comes in brings a call of its own
MAX_TRIES = 10  # of one call: parts fed, steps without one, lookups passed over and turns that somebody else took
FRESH_CLAIM = 3.0  # seconds after which a feeder that has claimed a part is taken for dead
MAX_PASSED_OVER = 20  # lookups of a partner that one call passes over because they cannot be fed now


class FeedingResult(Enum):
    """What became of a turn that fed nothing."""

    PASSED_OVER = "nothing of this lookup can be fed now"
    AT_WORK = "another feeder is just feeding it, and feeds the others after it"
    AGAIN = "another feeder took the turn, or the roster held no entries here: the shares have changed"


@dataclass(frozen=True, slots=True)
class NextLookup:
    """The lookup that is fed next, in its partner's turn; `after_intake` when it is the intake queue's turn first."""

    turn: Turn
    entry: ReadyLookup
    after_intake: bool


class Feeder:
    """Feeds workspaces. Any number may run at once: a part is claimed before it is read and sent."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        feed: FeedingLedger,
        steps: FeedingSteps,
        ending: LookupCompletion,
        queues: Queues,
        settings: Settings,
        is_closed: Callable[[str], bool],
        clock: Clock,
        depth_seconds: float = QUEUE_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._steps = steps
        self._ending = ending
        self._queues = queues
        self._settings = settings
        self._is_closed = is_closed
        self._clock = clock
        self._depth_seconds = depth_seconds

    def feed(self, workspace: str) -> int:
        """Fill a workspace's share of the queue, a few parts at a time; return the number of entries that went on it.

        How much room there is is read after the shares: who was given a turn meanwhile took room with it.
        """
        if self._room(workspace, self._ledger.in_flight(workspace)) <= 0 or self._is_closed(workspace):
            return 0
        fed: list[int] = []
        passed_over, until = set[str](), self._clock() + FEED_SECONDS
        for _ in range(MAX_TRIES):
            chosen = self._next(workspace, passed_over)
            if chosen is None or len(fed) == MAX_PARTS or self._clock() > until:
                break
            entry = chosen.entry
            progress, on_queue = self._ledger.to_feed(workspace, entry.lookup_id)
            has_room = self._has_room(workspace, on_queue, chosen)
            outcome = self._feed_one(progress, chosen.turn, entry) if has_room else FeedingResult.AT_WORK
            if outcome is FeedingResult.AT_WORK:
                break
            if outcome is FeedingResult.PASSED_OVER:
                passed_over.add(entry.lookup_id)
            fed += [outcome] if isinstance(outcome, int) else []
        return sum(fed)

    def feed_first(self, workspace: str, lookup_id: str) -> int:
        """Feed the next part of a lookup that somebody waits for, and nothing else; return its number of entries.

        It advances its partner's share like any other. With room on the queue it must be the partner's turn; on a
        full queue, or out of turn, a partner is at most one part ahead of the others.
        """
        if self._is_closed(workspace):
            return 0
        for _ in range(MAX_TRIES):
            shares = self._ledger.shares.of(workspace)
            progress, on_queue = self._ledger.to_feed(workspace, lookup_id)
            if progress is None or not progress.is_ready:
                return 0
            turn = _first_turn(shares, progress, is_full=self._room(workspace, on_queue) <= 0)
            outcome = FeedingResult.PASSED_OVER if turn is None else self._feed_one(progress, turn)
            if outcome is not FeedingResult.AGAIN:
                return outcome if isinstance(outcome, int) else 0
        return 0

    def try_feed(self, workspace: str, lookup_id: str) -> None:
        """Feed a lookup's first part now if it may be: what is in the ledger is safe, the next feeding finds it."""
        try:
            self.feed_first(workspace, lookup_id)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("not fed yet", workspace=workspace, error=type(error).__name__)

    def _room(self, workspace: str, on_queue: InFlight) -> float:
        quota = self._settings.workspace(workspace).quota
        return max(2.0 * PART_LIMIT, self._depth_seconds * quota.limit / quota.window) - on_queue.entries

    def _has_room(self, workspace: str, on_queue: InFlight, chosen: NextLookup) -> bool:
        """Return whether a part may go on the queue; before the intake queue's turn one part keeps a worker busy."""
        return on_queue.entries <= 0 if chosen.after_intake else self._room(workspace, on_queue) > 0

    def _next(self, workspace: str, passed_over: set[str]) -> NextLookup | None:
        """Choose the partner that was fed least for its weight, and the first of its lookups that can be fed."""
        shares = self._ledger.shares
        waiting = turns(shares.of(workspace))
        after_intake = bool(waiting) and waiting[0].share.partner == INTAKE
        for turn in waiting:
            if turn.share.partner == INTAKE:
                continue
            limit = min(len(passed_over), MAX_PASSED_OVER) + 1
            for entry in shares.next(workspace, turn.share.partner, limit):
                if entry.lookup_id not in passed_over:
                    return NextLookup(turn, entry, after_intake)
        return None

    def feed_claimed(self, progress: LookupRecord) -> int | FeedingResult:
        """See through what a feeder had claimed of a lookup that is not fed any more, and died."""
        return self._feed_one(progress, Turn(Share(progress.spec.partner), 0))

    def _feed_one(
        self, progress: LookupRecord | None, turn: Turn, entry: ReadyLookup | None = None
    ) -> int | FeedingResult:
        """Claim, read, send and commit one part; return its number of entries, or why there was none.

        A lookup whose roster is gone or unreadable is given up, one that may not be read is passed over.
        """
        if progress is None or progress.cursor.exhausted or progress.spec.roster.needs_conversion:
            return FeedingResult.PASSED_OVER
        now = self._clock()
        if is_held(progress.cursor, now):
            is_fresh = _claimed_at(progress.cursor) > now - FRESH_CLAIM
            return FeedingResult.AT_WORK if is_fresh else FeedingResult.PASSED_OVER
        try:
            return self._fed(progress, turn, entry)
        except Misconfigured as error:
            logger.error(
                "lookup passed over", lookup_id=progress.spec.lookup_id, reason=str(error), runbook="Stuck lookup"
            )
        except (NotFound, InvalidInput) as error:
            self._ending.abort(progress, str(error))
        return FeedingResult.PASSED_OVER

    def _fed(self, progress: LookupRecord, turn: Turn, entry: ReadyLookup | None) -> int | FeedingResult:
        spec, cursor = progress.spec, progress.cursor
        claim = self._feed.claim(spec, cursor, turn)
        if isinstance(claim, ClaimRefused):
            return FeedingResult.AGAIN if claim is ClaimRefused.CONTENDED else FeedingResult.PASSED_OVER
        step = self._read(progress, claim)
        if step.entries:
            self._queues.send([step.part])
        if not self._feed.commit(spec, cursor, claim, step, entry=entry):
            return FeedingResult.PASSED_OVER
        if step.is_last:
            self._ending.finish_if_done(spec.lookup_id)  # a quick worker may have had it in before it was committed
        return step.entries or FeedingResult.AGAIN

    def _read(self, progress: LookupRecord, claim: Claim) -> FeedingStep:
        """Read the claimed part. What cannot be read is released: nothing of it was sent, and it need not wait."""
        try:
            return self._steps.next(progress, claim.fed_at)
        except (NotFound, InvalidInput, Misconfigured):
            self._feed.release(progress.spec, claim, take_back=False)
            raise
        except (ServiceError, BotoCoreError, ClientError):
            self._feed.release(progress.spec, claim, take_back=True)
            raise


def _first_turn(shares: Sequence[Share], progress: LookupRecord, *, is_full: bool) -> Turn | None:
    """Ask for a turn for the next part; of a roster that was counted whole its size is known before it is read."""
    spec = progress.spec
    entries = min(PART_LIMIT, progress.left) if spec.roster.size <= CHUNK else PART_LIMIT
    part = cost(PART_LIMIT, spec.weight)
    return first_turn(shares, spec.partner, cost(entries, spec.weight), part, is_full=is_full)


def is_held(cursor: Cursor, now: float) -> bool:
    """Return whether a feeder has claimed the part at the cursor, and has time left for it."""
    return cursor.claim is not None and cursor.claim.until > now


def _claimed_at(cursor: Cursor) -> float:
    return cursor.claim.until - LEASE_SECONDS if cursor.claim else 0.0
