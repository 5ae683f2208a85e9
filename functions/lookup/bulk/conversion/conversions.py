"""Rosters converted before they are fed: unpacked, and counted where a partner's users are, one of a partner at a time.

It happens outside of requests and of the minute's tick, on a queue of its own, within bounds of bytes and time. What
passes them ends its lookup, and the partner sees why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from lookup.aws.errors import error_name
from lookup.bulk.completion import LookupCompletion
from lookup.bulk.conversion.queue import ConversionQueue
from lookup.errors import AwsUnavailable, DailyLimitExceeded, Forbidden, InvalidInput, NotFound, ServiceError
from lookup.ledger.conversions import ConversionLedger, PendingConversion
from lookup.ledger.daily_usage import DailyUsageCounter
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec, LookupState, Reservation, Roster
from lookup.model import Clock
from lookup.partners import Partner
from lookup.rosters.copies import IsLate, RosterCopies
from lookup.rosters.keys import INLINE
from lookup.rosters.references import RosterReferences
from lookup.telemetry import Metric, count, logger

CLAIMED_BEYOND = 60.0  # seconds that a claim outlasts the work
LOST_AFTER = 6 * 3600.0  # seconds that a message may wait on the queue before the lookup is asked for again
# Of a partner's line. SQS looks for groups that are free among the first 120,000 messages of a queue, so that a longer
# line on the queue would hold the other partners' back:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html
QUEUED_MOST = 50
ROUNDS = 4  # of a partner in one tick, while all that it looks at was cancelled
BEGUN_WITHIN = 600.0  # seconds in which what was noted is submitted, or never


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
        queued_most: int = QUEUED_MOST,
    ) -> None:
        self._queued_most = queued_most
        self._ledger = ledger
        self._needs = needs
        self._pending = pending
        self._queue = queue
        self._clock = clock

    def submit(self, spec: LookupSpec, reservations: Sequence[Reservation] = (), *, most: int | None = None) -> bool:
        """Write a lookup down as `LookupLedger.submit` does; its conversion is noted before, then asked for."""
        if not spec.roster.key.startswith(INLINE):
            self._needs.looked_up(spec)
        if not spec.roster.needs_conversion:
            return self._ledger.submit(spec, reservations, most=most)
        is_noted = self._pending.begin(spec)
        try:
            is_new = self._ledger.submit(spec, reservations, most=most)
        except ServiceError:
            if is_noted:
                self._pending.end(spec.lookup_id)
            raise
        if any(one.lookup_id == spec.lookup_id for one in self._pending.next_of(spec.partner, self._queued_most)):
            self._ask(spec.lookup_id, spec.partner)
        return is_new

    def ask_again(self) -> None:
        """Ask for what comes next in the partners' lines, and for those whose message was never sent or seems lost.

        It is the tick that asks: a function that sent to the queue that invokes it would be a loop to Lambda.
        """
        waiting = self._pending.next_page()
        for partner in dict.fromkeys(one.partner for one in waiting):
            self._advance(partner)
        for one in [one for one in waiting if one.place is None and self._is_due(one)][: self._queued_most]:
            self._ask(one.lookup_id, one.partner)

    def _advance(self, partner: str) -> None:
        """Ask for the first of a partner's line, and forget those that need no conversion any more."""
        for _ in range(ROUNDS):
            line = self._pending.next_of(partner, self._queued_most)
            due = [one for one in line if self._is_due(one)]
            found = {one.spec.lookup_id: one for one in self._ledger.get_many([one.lookup_id for one in due])}
            over = [one for one in due if self._is_over(one, found.get(one.lookup_id))]
            for one in over:
                self._pending.end(one.lookup_id)
            for one in due:
                if one not in over and one.lookup_id in found:
                    self._ask(one.lookup_id, partner)
            if len(over) < self._queued_most:
                return

    def _is_due(self, one: PendingConversion) -> bool:
        return one.queued_at <= self._clock() - LOST_AFTER

    def _is_over(self, one: PendingConversion, progress: LookupRecord | None) -> bool:
        """Return whether a lookup needs no conversion; one that was just noted may be about to be submitted."""
        if progress is None:
            return one.noted_at <= self._clock() - BEGUN_WITHIN
        return not _waits(progress)

    def _ask(self, lookup_id: str, partner: str) -> None:
        """Put a conversion on the queue, or leave that to a later tick."""
        try:
            self._queue.ask(lookup_id, partner)
            self._pending.mark_queued(lookup_id)
        except (BotoCoreError, ClientError) as error:
            logger.warning("conversion not asked for yet", lookup_id=lookup_id, error=error_name(error))


class Conversions:
    """Converts rosters. `partner_named` gives a partner's grants as they are now, and raises `UnknownClient`."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        pending: ConversionLedger,
        copies: RosterCopies,
        ending: LookupCompletion,
        daily: DailyUsageCounter,
        partner_named: Callable[[str], Partner],
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._pending = pending
        self._copies = copies
        self._ending = ending
        self._daily = daily
        self._partner_named = partner_named
        self._clock = clock

    def convert(self, lookup_id: str, *, until: float) -> bool:
        """Convert a lookup's roster until then (epoch seconds); False when somebody else is at it.

        What the roster or the partner's grants do not allow ends the lookup, with the reason. What AWS does wrong is
        raised, and the claim is given back.
        """
        progress = self._ledger.get(lookup_id)
        if progress is None and self._pending.was_noted_within(lookup_id, BEGUN_WITHIN):
            return False  # whoever notes it has not submitted it yet
        if progress is None or not _waits(progress):
            self._pending.end(lookup_id)
            return True
        token = self._pending.claim(lookup_id, until + CLAIMED_BEYOND)
        if token is None:
            return not self._pending.is_pending(lookup_id)
        try:
            self._convert(progress, lambda: self._clock() > until)
        except BaseException:
            self._pending.release(lookup_id, token)
            raise
        self._pending.end(lookup_id)
        return True

    def defer(self, lookup_id: str) -> None:
        """Let its partner's other lookups be converted before one whose message was laid aside."""
        self._pending.defer(lookup_id)

    def _convert(self, progress: LookupRecord, is_late: IsLate) -> None:
        spec = progress.spec
        try:
            roster = self._readable(spec, is_late)
            if spec.charged is None:
                self._ledger.use_unpacked_roster(spec, roster)
            else:
                self._repin_charged(spec, roster)
        except (InvalidInput, NotFound, Forbidden, DailyLimitExceeded) as fault:
            count(Metric.ROSTERS_REFUSED)
            self._ending.abort(progress, str(fault))
        else:
            count(Metric.ROSTERS_CONVERTED)

    def _readable(self, spec: LookupSpec, is_late: IsLate) -> Roster:
        """Return the roster as it can be fed: its copy, a new one or another lookup's; and counted, if it must be."""
        exactly = spec.roster.counted is not None
        known = self._pending.find_result(spec.roster, exactly=exactly) if spec.roster.gzipped else None
        if known is not None:
            return known
        source = spec.roster
        roster = self._copies.unpack(source, spec.lookup_id, is_late) if source.gzipped else source
        if exactly:
            roster = replace(roster, entries=self._counted(spec, roster, is_late), counted=None)
        if source.gzipped:
            self._pending.record_result(source, roster, is_exact=exactly)
        return roster

    def _counted(self, spec: LookupSpec, roster: Roster, is_late: IsLate) -> int:
        """Count a roster's entries, for a partner without a limit by now not at all. Raises `DailyLimitExceeded`."""
        partner = self._partner_named(spec.partner)
        limit = partner.users_per_day
        if limit is None:
            return roster.entries
        entries = self._copies.count(roster, limit, is_late)
        if entries > limit:
            raise self._daily.exceeded(partner, entries, limit)
        return entries

    def _repin_charged(self, spec: LookupSpec, roster: Roster) -> None:
        """Charge the counted users in place of those charged at submission. Raises `DailyLimitExceeded`."""
        partner = self._partner_named(spec.partner)
        if spec.charged is None or spec.roster.counted is None or partner.users_per_day is None:
            self._ledger.use_unpacked_roster(spec, roster)
            return
        reserved = self._daily.recharge(partner, spec.charged, roster.entries)
        if not self._ledger.use_unpacked_roster(spec, roster, reserved):
            raise AwsUnavailable("the lookup was charged or converted by somebody else meanwhile")


def _waits(progress: LookupRecord) -> bool:
    is_over = progress.state is LookupState.CANCELLED or progress.finished_at is not None
    return not is_over and progress.spec.roster.needs_conversion
