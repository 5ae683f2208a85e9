"""Recover once a minute what was left undone: parts lost on the way, claims and endings whose owner died.

It entries at indexes of what may be undone, a bounded page of each, and goes on from there a minute later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookup.bulk.completion import PUBLISH_GRACE, LookupCompletion
from lookup.bulk.feeder import Feeder, is_held
from lookup.bulk.queues import MAX_DELAY, Queues
from lookup.errors import Misconfigured, NotFound
from lookup.ledger.feeding import FeedingLedger, InFlightPart
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import RETENTION_SECONDS, LookupRecord, LookupSpec, LookupState, LookupSummary
from lookup.ledger.sweep import ENTRY_PAGE, UNFINISHED_PAGE, Adoption, SweepEntry, SweepLedger, SweepPosition
from lookup.model import Clock
from lookup.rosters.reader import RosterReader
from lookup.telemetry import logger

LOST_AFTER = 2 * 362.0  # seconds; twice the queue's visibility time
MAX_RESENT = 20  # parts that one sweep sends again, the oldest first
MAX_ADOPTED = 100  # lookups of an earlier release that one sweep takes over
SWEEP_SECONDS = 20.0  # after which a sweep leaves the rest to the next one
EXPIRES_SOON = RETENTION_SECONDS - 10 * 24 * 3600  # seconds; then a lookup ends, or its items would go before it does


class Sweep:
    """Sweeps workspaces."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        swept: SweepLedger,
        feed: FeedingLedger,
        feeder: Feeder,
        ending: LookupCompletion,
        adoption: Adoption,
        reader: RosterReader,
        queues: Queues,
        is_closed: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._swept = swept
        self._feed = feed
        self._feeder = feeder
        self._ending = ending
        self._adoption = adoption
        self._reader = reader
        self._queues = queues
        self._is_closed = is_closed
        self._clock = clock

    def run(self, workspace: str) -> None:
        """Do again what was left undone, and keep how far this came."""
        until = self._clock() + SWEEP_SECONDS
        for lookup_id in self._adoption.old_lookups(workspace, limit=MAX_ADOPTED):
            if self._clock() <= until:
                self._adoption.adopt_named(workspace, lookup_id)
        swept = self._swept.position(workspace)
        looked_at = self._check_lookups(workspace, swept.looked_at, until)
        aged_at = self._end_old(workspace, swept.aged_at)
        if (looked_at, aged_at) != (swept.looked_at, swept.aged_at):
            self._swept.save_position(workspace, looked_at=looked_at, aged_at=aged_at)
        self._send_lost(workspace, swept, until)

    def _check_lookups(self, workspace: str, after: str, until: float) -> str:
        """Look at a page of lookups; return where the next sweep begins."""
        entries = self._swept.entries(workspace, after)
        summaries = {one.lookup_id: one for one in self._ledger.summaries([entry.lookup_id for entry in entries])}
        settled: list[SweepEntry] = []
        for number, entry in enumerate(entries):
            if self._clock() > until:
                self._swept.forget(workspace, settled)
                return entries[number - 1].lookup_id if number else after
            summary = summaries.get(entry.lookup_id)
            if summary is None or self._is_settled(summary):
                settled.append(entry)
        self._swept.forget(workspace, settled)
        return entries[-1].lookup_id if len(entries) == ENTRY_PAGE else ""

    def _is_settled(self, summary: LookupSummary) -> bool:
        """Do what is undone of a lookup; return whether nothing of it needs a entry any more."""
        now, cursor = self._clock(), summary.cursor
        if summary.finished_at is not None:
            if summary.finished_at <= now - PUBLISH_GRACE:
                self._apply(summary, self._ending.republish)
            return False
        if summary.is_fully_counted:
            self._ending.finish_if_done(summary.lookup_id)
            return False
        if summary.state is LookupState.ACTIVE and not cursor.exhausted:
            return True
        if cursor.claim is not None and not is_held(cursor, now):
            self._apply(summary, self._feeder.feed_claimed)
        return summary.state is LookupState.PAUSED and not cursor.exhausted and cursor.claim is None

    def _apply(self, summary: LookupSummary, work: Callable[[LookupRecord], object]) -> None:
        progress = self._ledger.get(summary.lookup_id)
        if progress is not None:
            work(progress)

    def _end_old(self, workspace: str, after: str) -> str:
        """End lookups whose items expire soon; return where the next sweep begins."""
        page = self._swept.unfinished(workspace, after)
        old = [one.lookup_id for one in page if one.submitted_at <= self._clock() - EXPIRES_SOON]
        for progress in self._ledger.get_many(old[:MAX_RESENT]):
            if progress.finished_at is None:
                self._ending.abort(progress, "it has not ended within 80 days")
        return page[-1].lookup_id if len(page) == UNFINISHED_PAGE else ""

    def _send_lost(self, workspace: str, swept: SweepPosition, until: float) -> None:
        out = self._feed.in_flight(workspace)
        if not out and any(swept.on_queue.values()):
            self._swept.reset_in_flight(workspace, swept.on_queue)
        lost = sorted((one for one in out if one.sent_at <= self._clock() - LOST_AFTER), key=lambda one: one.sent_at)
        if lost and not self._is_closed(workspace):
            self._send_again(lost[:MAX_RESENT], until)

    def _send_again(self, lost: Sequence[InFlightPart], until: float) -> None:
        progresses = self._ledger.get_many(list(dict.fromkeys(one.lookup_id for one in lost)))
        of_id = {progress.spec.lookup_id: progress for progress in progresses}
        for sent in lost:
            if sent.lookup_id in of_id and self._clock() <= until:
                self._sent_again(of_id[sent.lookup_id].spec, sent)

    def _sent_again(self, spec: LookupSpec, sent: InFlightPart) -> None:
        """Send a part once more; one that cannot be read again is waited for, and then counted as failed."""
        try:
            step = self._reader.reread_step(spec, sent.origin, number=sent.number, fed_at=sent.fed_at)
        except Misconfigured as error:
            logger.error("part not sent again", lookup_id=spec.lookup_id, reason=str(error), runbook="Stuck lookup")
            return
        except NotFound:
            if sent.sent_at <= self._clock() - LOST_AFTER - MAX_DELAY and self._feed.count_as_lost(spec, sent):
                logger.error("part lost with its roster", lookup_id=spec.lookup_id, part=sent.number)
                self._ending.finish_if_done(spec.lookup_id)
            return
        if step is not None:
            self._queues.send([step.part])
            self._feed.mark_resent(step)
