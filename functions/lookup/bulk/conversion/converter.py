"""Rosters converted before they are fed: written as lines, counted where daily users are limited; one a partner.

It happens outside of requests and of the minute's tick, on a queue of its own, within bounds of bytes and time. What
passes them ends its lookup, and the partner sees why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from lookup.bulk.completion import LookupCompletion
from lookup.bulk.conversion.requests import SUBMITTED_WITHIN, awaits_conversion
from lookup.errors import AwsUnavailable, DailyLimitExceeded, Forbidden, InvalidInput, NotFound
from lookup.ledger.conversions import ConversionLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupSpec, Roster
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.model import Clock
from lookup.partners import Partner
from lookup.rosters.copies import IsLate, RosterCopies
from lookup.telemetry import Metric, count

TRIES_IN_TIME = 3  # a conversion is slow by AWS before it is slow by its roster
CLAIMED_BEYOND = 60.0  # seconds that a claim outlasts the work


class Conversions:
    """Converts rosters. `partner_named` returns a partner's grants as they are now, and raises `UnknownClient`."""

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

    def convert(self, lookup_id: str, *, until: float, received: int) -> bool:
        """Convert a lookup's roster until then (epoch seconds); False when another instance is converting it.

        What the roster or the partner's grants do not allow ends the lookup, with the reason; so does a lack of time
        once its message was `received` often enough. Errors of AWS are raised, and the claim is released.
        """
        progress = self._ledger.get(lookup_id)
        if progress is None and self._pending.was_noted_within(lookup_id, SUBMITTED_WITHIN):
            return False  # whoever notes it has not submitted it yet
        if progress is None or not awaits_conversion(progress):
            self._pending.end(lookup_id)
            return True
        token = self._pending.claim(lookup_id, until + CLAIMED_BEYOND)
        if token is None:
            return not self._pending.is_pending(lookup_id)
        try:
            self._convert(progress, partial(self._is_late, until, received))
        except BaseException:
            self._pending.release(lookup_id, token)
            raise
        self._pending.end(lookup_id)
        return True

    def _is_late(self, until: float, received: int) -> bool:
        is_late = self._clock() > until
        if is_late and received < TRIES_IN_TIME:
            raise AwsUnavailable("the roster was not converted in the function's time")
        return is_late

    def defer(self, lookup_id: str) -> None:
        """Put a lookup whose message is dead-lettered behind its partner's others."""
        self._pending.defer(lookup_id)

    def _convert(self, progress: LookupRecord, is_late: IsLate) -> None:
        spec = progress.spec
        try:
            roster = self._readable(spec, is_late)
            if spec.charged is None:
                self._ledger.use_converted_roster(spec, roster)
            else:
                self._repin_charged(spec, roster)
        except (InvalidInput, NotFound, Forbidden, DailyLimitExceeded) as error:
            count(Metric.ROSTERS_REFUSED)
            self._ending.abort(progress, str(error))
        else:
            count(Metric.ROSTERS_CONVERTED)

    def _readable(self, spec: LookupSpec, is_late: IsLate) -> Roster:
        """Return the roster as it can be fed: its copy, a new one or another lookup's; and counted, if it must be."""
        exactly = spec.roster.counted is not None
        known = self._pending.find_result(spec.roster, exactly=exactly) if spec.roster.needs_rewriting else None
        if known is not None:
            return known
        source = spec.roster
        roster = self._copies.convert(source, spec.lookup_id, is_late) if source.needs_rewriting else source
        if exactly:
            roster = replace(roster, entries=self._counted(spec, roster, is_late), counted=None)
        if source.needs_rewriting:
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
            self._ledger.use_converted_roster(spec, roster)
            return
        reserved = self._daily.recharge(partner, spec.charged, roster.entries)
        if not self._ledger.use_converted_roster(spec, roster, reserved):
            raise AwsUnavailable("the lookup was charged or converted by somebody else meanwhile")
