"""Which part goes on the queue next: fairly over partners and their lookups, and only as many as will soon be served.

Work waits in S3, not in SQS, so a small lookup overtakes a huge one, and pausing, cancelling and estimating are only
what the feeder reads from the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from lookup.ending import Ending
from lookup.errors import InvalidInput, LookupFault, Misconfigured, Missing
from lookup.fair_share import choose
from lookup.ledger import Active, Ledger
from lookup.ledger_feed import LedgerFeed, Sent
from lookup.lookup_model import Cursor, LookupSpec, Progress, Roster, Segment
from lookup.model import PART_LIMIT, Clock, Origin
from lookup.queues import LONGEST_HOLD, Queues
from lookup.roster_reader import RosterReader
from lookup.settings import Settings
from lookup.telemetry import logger

DEPTH_SECONDS = 30.0  # of quota on the queue: enough that no worker runs dry, little enough that nobody waits long
LOST_AFTER = 2 * 362.0  # seconds; twice the queue's visibility time


class Feeder:
    """Feeds workspaces. Any number may run at once: a part is claimed before it is sent."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        feed: LedgerFeed,
        ending: Ending,
        reader: RosterReader,
        queues: Queues,
        settings: Settings,
        is_closed: Callable[[str], bool],
        clock: Clock,
        unpack: Callable[[Roster, str], Roster] | None = None,
        depth_seconds: float = DEPTH_SECONDS,
    ) -> None:
        """`unpack` rewrites a gzip roster; None leaves those to a feeder that has the time."""
        self._ledger = ledger
        self._feed = feed
        self._ending = ending
        self._reader = reader
        self._queues = queues
        self._settings = settings
        self._is_closed = is_closed
        self._clock = clock
        self._unpack = unpack
        self._depth_seconds = depth_seconds

    def feed(self, workspace: str, *, first: str | None = None) -> int:
        """Fill a workspace's share of the queue; give the number of identifiers that went on it.

        A part of the lookup `first` goes before all others, and on a queue that is full, but for one twice as full:
        somebody waits for it, and many of these must not crowd out the others.
        """
        depth = self._depth(workspace)
        room = depth - self._ledger.users_sent(workspace)
        if room <= (0 if first is None else -depth) or self._is_closed(workspace):
            return 0
        fed = 0 if first is None else self._filled(workspace, 1, lambda one: one.lookup_id == first)
        return fed + self._filled(workspace, room - fed, lambda _: True)

    def feed_soon(self, workspace: str, *, first: str | None = None) -> None:
        """Feed now if that is possible: what is in the ledger is safe, the next minute's feeding finds it."""
        try:
            self.feed(workspace, first=first)
        except (LookupFault, BotoCoreError, ClientError) as fault:
            logger.warning("not fed yet", workspace=workspace, error=type(fault).__name__)

    def _filled(self, workspace: str, room: float, eligible: Callable[[Active], bool]) -> int:
        fed, passed_over = 0, set[str]()
        while fed < room:
            candidates = [one for one in self._ledger.actives(workspace) if eligible(one)]
            chosen = choose([one for one in candidates if one.lookup_id not in passed_over])
            if chosen is None:
                break
            entries = self._guarded(chosen[0], partial(self._feed_one, share=chosen[1]))
            fed += entries
            if not entries:
                passed_over.add(chosen[0].lookup_id)
        return fed

    def sweep(self, workspace: str) -> None:
        """Do again what was left undone: parts lost on the way, claims and endings whose owner died."""
        for active in self._ledger.actives(workspace):
            self._guarded(active, self._sweep_one)

    def _sweep_one(self, active: Active) -> int:
        progress = self._ledger.progress(active.lookup_id)
        if progress is None:
            return 0
        self._ending.tell_again(progress)
        self._ending.check(active.lookup_id)
        if not self._is_closed(progress.spec.workspace):
            self._send_lost(progress)
        if not active.choosable and progress.cursor.claim is not None:
            return self._feed_one(active, 1.0)
        return 0

    def _guarded(self, active: Active, work: Callable[[Active], int]) -> int:
        """Give up a lookup whose roster is gone or unreadable, pass over one that may not be read, serve the others."""
        try:
            return work(active)
        except Misconfigured as fault:
            logger.error("lookup passed over", lookup_id=active.lookup_id, reason=str(fault), runbook="Stuck lookup")
        except (Missing, InvalidInput) as fault:
            self._give_up(active, str(fault))
        return 0

    def _give_up(self, active: Active, because: str) -> None:
        """End a lookup early. What a dead feeder had claimed cannot be sent again: if it was sent, it counts."""
        progress = self._ledger.progress(active.lookup_id)
        if progress is None:
            return
        if progress.cursor.claim is not None and not _is_held(progress.cursor, self._clock()):
            self._feed.exhaust(progress.spec, progress.cursor)
        self._ending.give_up(progress, because)

    def _depth(self, workspace: str) -> float:
        quota = self._settings.workspace(workspace).quota
        return max(2.0 * PART_LIMIT, self._depth_seconds * quota.limit / quota.window)

    def _feed_one(self, active: Active, share: float) -> int:
        """Claim, send and commit one part; give its number of entries, 0 when there is nothing to do here."""
        progress = self._ledger.progress(active.lookup_id)
        if progress is None or progress.cursor.exhausted or _is_held(progress.cursor, self._clock()):
            return 0
        if progress.spec.roster.needs_conversion:
            return self._unpacked(progress.spec, active, share)
        claim = progress.cursor.claim
        segment = self._next_segment(progress, claim.fed_at if claim else self._clock())
        if segment is None:
            if self._feed.exhaust(progress.spec, progress.cursor):
                self._ending.check(active.lookup_id)
            return 0
        claimed = self._feed.claim(progress.spec, progress.cursor, segment.part.fed_at)
        if claimed is None:
            return 0
        if segment.entries:
            self._queues.send([segment.part])
        committed = self._feed.commit(progress.spec, progress.cursor, claimed, segment, share)
        if committed and segment.origin.end >= progress.spec.roster.size:
            self._ending.check(active.lookup_id)  # a quick worker may have had it in before it was committed
        return segment.entries if committed else 0

    def _unpacked(self, spec: LookupSpec, active: Active, share: float) -> int:
        """Unpack a gzip roster where there is time for it, then feed from the copy."""
        if self._unpack is None:
            return 0
        self._ledger.repinned(spec, self._unpack(spec.roster, spec.lookup_id))
        return self._feed_one(active, share)

    def _next_segment(self, progress: Progress, fed_at: float) -> Segment | None:
        spec, cursor = progress.spec, progress.cursor
        if cursor.round == 0:
            number = f"{cursor.parts_fed + 1:08}"
            return self._reader.next_segment(
                spec, position=cursor.position, line=cursor.line, number=number, fed_at=fed_at
            )
        record = self._feed.failed_after(spec.lookup_id, cursor)
        if record is None:
            return None
        origin = Origin(record.origin.start, record.origin.end, record.origin.line, cursor.round)
        return self._reader.same_segment(spec, origin, number=record.number, fed_at=record.fed_at)

    def _send_lost(self, progress: Progress) -> None:
        for sent in self._feed.sent(progress.spec.lookup_id):
            if sent.sent_at <= self._clock() - LOST_AFTER:
                self._send_again(progress.spec, sent)

    def _send_again(self, spec: LookupSpec, sent: Sent) -> None:
        """Send a part once more; one that cannot be read again is waited for, and then counted as failed."""
        try:
            segment = self._reader.same_segment(spec, sent.origin, number=sent.number, fed_at=sent.fed_at)
        except Missing:
            if sent.sent_at <= self._clock() - LOST_AFTER - LONGEST_HOLD and self._feed.lost(spec, sent):
                logger.error("part lost with its roster", lookup_id=spec.lookup_id, part=sent.number)
                self._ending.check(spec.lookup_id)
            return
        if segment is not None:
            self._queues.send([segment.part])
            self._feed.sent_again(segment)


def _is_held(cursor: Cursor, now: float) -> bool:
    return cursor.claim is not None and cursor.claim.until > now
