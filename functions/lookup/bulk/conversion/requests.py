"""Requests to convert the rosters of lookups: noted before the lookup is submitted, sent in each partner's order."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.conversion.queue import ConversionQueue
from lookup.errors import ServiceError
from lookup.ledger.conversions import ConversionLedger, PendingConversion
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec, LookupState, Reservation
from lookup.model import Clock
from lookup.rosters.keys import INLINE
from lookup.rosters.references import RosterReferences
from lookup.telemetry import logger

LOST_AFTER = 6 * 3600.0  # seconds that a message may wait on the queue before the lookup is asked for again
# Of a partner's line. SQS looks for groups that are free among the first 120,000 messages of a queue, so that a longer
# line on the queue would hold the other partners' back:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html
MAX_QUEUED = 50
MAX_ROUNDS = 4  # of a partner in one tick, while all that it looks at was cancelled
SUBMITTED_WITHIN = 600.0  # seconds in which what was noted is submitted, or never


class ConversionRequests:
    """Submits lookups, notes that they need their roster, and asks for the conversion of those that need one.

    `queued_most` of a partner's line are on the queue.
    """

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        needs: RosterReferences,
        pending: ConversionLedger,
        queue: ConversionQueue,
        clock: Clock,
        queued_most: int = MAX_QUEUED,
    ) -> None:
        self._queued_most = queued_most
        self._ledger = ledger
        self._needs = needs
        self._pending = pending
        self._queue = queue
        self._clock = clock

    def submit(self, spec: LookupSpec, reservations: Sequence[Reservation] = (), *, most: int | None = None) -> bool:
        """Write a lookup as `LookupLedger.submit` does; its conversion is noted before, then requested."""
        if not spec.roster.key.startswith(INLINE):
            self._needs.add_lookup(spec)
        if not spec.roster.needs_conversion:
            return self._ledger.submit(spec, reservations, most=most)
        is_noted = self._pending.begin(spec)
        try:
            is_new = self._ledger.submit(spec, reservations, most=most)
        except ServiceError:
            if is_noted:
                self._pending.end(spec.lookup_id)
            raise
        line = self._pending.next_of_partner(spec.partner, self._queued_most)
        if any(one.lookup_id == spec.lookup_id for one in line):
            self._send(spec.lookup_id, spec.partner)
        return is_new

    def resend_lost(self) -> None:
        """Ask for what comes next in the partners' lines, and for those whose message was never sent or seems lost.

        It is the tick that asks: a function that sent to the queue that invokes it would be a loop to Lambda.
        """
        waiting = self._pending.next_page()
        for partner in dict.fromkeys(one.partner for one in waiting):
            self._advance(partner)
        for one in [one for one in waiting if one.place is None and self._is_due(one)][: self._queued_most]:
            self._send(one.lookup_id, one.partner)

    def _advance(self, partner: str) -> None:
        """Ask for the first of a partner's line, and forget those that need no conversion any more."""
        for _ in range(MAX_ROUNDS):
            line = self._pending.next_of_partner(partner, self._queued_most)
            due = [one for one in line if self._is_due(one)]
            found = {one.spec.lookup_id: one for one in self._ledger.get_many([one.lookup_id for one in due])}
            over = [one for one in due if self._is_over(one, found.get(one.lookup_id))]
            for one in over:
                self._pending.end(one.lookup_id)
            for one in due:
                if one not in over and one.lookup_id in found:
                    self._send(one.lookup_id, partner)
            if len(over) < self._queued_most:
                return

    def _is_due(self, one: PendingConversion) -> bool:
        return one.queued_at <= self._clock() - LOST_AFTER

    def _is_over(self, one: PendingConversion, progress: LookupRecord | None) -> bool:
        """Return whether a lookup needs no conversion; one that was just noted may be about to be submitted."""
        if progress is None:
            return one.noted_at <= self._clock() - SUBMITTED_WITHIN
        return not awaits_conversion(progress)

    def _send(self, lookup_id: str, partner: str) -> None:
        """Put a conversion on the queue, or leave that to a later tick."""
        try:
            self._queue.send(lookup_id, partner)
            self._pending.mark_queued(lookup_id)
        except (BotoCoreError, ClientError) as error:
            logger.warning("conversion not asked for yet", lookup_id=lookup_id, error=error_name(error))


def awaits_conversion(progress: LookupRecord) -> bool:
    """Return whether a lookup goes on as soon as its roster is converted."""
    is_over = progress.state is LookupState.CANCELLED or progress.finished_at is not None
    return not is_over and progress.spec.roster.needs_conversion
