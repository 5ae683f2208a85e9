"""Lookups as partners and schedules submit them: grants checked, users charged, written, then fed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from lookup.bulk.conversion.requests import ConversionRequests
from lookup.bulk.estimates import Estimate, Estimates, PendingLookup
from lookup.bulk.feeder import Feeder
from lookup.fetch.authorization import Authorization
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LEAST_CHARGE, DailyCharge, LookupSpec, Reserved, Roster, turn_of
from lookup.model import Clock, Identifier, Lane, LookupRequest
from lookup.partners import Partner
from lookup.rosters.store import RosterStore
from lookup.validation import ParsedIdentifier

KeptEntries = Callable[[str, Sequence[ParsedIdentifier]], Sequence[ParsedIdentifier]]


class Submission:
    """Creates lookups. Every method raises what of the request is not granted or not valid, by name."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        conversions: ConversionRequests,
        feeder: Feeder,
        rosters: RosterStore,
        estimates: Estimates,
        authorization: Authorization,
        kept_entries: KeptEntries,
        clock: Clock,
        most: int | None = None,
    ) -> None:
        """`most` lookups of a partner may be unfinished in a workspace at once; None is as many as it likes.

        `kept_entries` returns the identifiers that an inline roster may hold: nobody's who is erased.
        """
        self._kept_entries = kept_entries
        self._ledger = ledger
        self._conversions = conversions
        self._feeder = feeder
        self._rosters = rosters
        self._estimates = estimates
        self._authorization = authorization
        self._clock = clock
        self._most = most

    def submit(self, partner: Partner, request: LookupRequest) -> str:
        """Create the lookup unless one of its id is there already, and feed its first part; return its id."""
        lookup_id = request.lookup_id or f"lookup-{uuid4().hex}"
        if not request.lookup_id or self._ledger.get(lookup_id) is None:
            self.create(partner, replace(request, lookup_id=lookup_id))
        self._feeder.try_feed(request.workspace, lookup_id)
        return lookup_id

    def create(self, partner: Partner, request: LookupRequest) -> bool:
        """Check the grants, and write the lookup with the charge for its users in one transaction.

        Return False when one of its id is there already: of two, the first counts. Raises what `Authorization` does.
        """
        if not request.lookup_id:
            raise ValueError("a lookup has an id before it is created")
        fields = self._fields(partner, request)
        roster = self._pinned(partner, request) or self._inline(request.lookup_id, request)
        reserved = self._reserved(partner, request, roster)
        spec = LookupSpec(
            lookup_id=request.lookup_id,
            workspace=request.workspace,
            partner=partner.name,
            submitted_at=self._clock() if request.submitted_at is None else request.submitted_at,
            roster=roster,
            max_age=request.max_age,
            fields=fields,
            weight=partner.weight,
            charged=reserved.charge,
            formats=request.formats,
        )
        most = None if partner.is_operator else self._most
        return self._conversions.submit(spec, reserved.reservations, most=most)

    def _inline(self, lookup_id: str, request: LookupRequest) -> Roster:
        return self._rosters.write(lookup_id, self._kept_entries(request.workspace, request.entries))

    def _fields(self, partner: Partner, request: LookupRequest) -> tuple[str, ...] | None:
        """Return the fields to fetch. A request that waited in vain for quota needs no lane but the one it came in."""
        lane = Lane.ON_DEMAND if request.waited_for and Lane.BULK not in partner.lanes else Lane.BULK
        return self._authorization.fields(partner, request.workspace, request.fields, lane)

    def _reserved(self, partner: Partner, request: LookupRequest, roster: Roster) -> Reserved:
        if request.charged_on is not None:
            return Reserved(DailyCharge(None, request.charged_on))
        return self._authorization.reserve_users(partner, max(LEAST_CHARGE, _users(request, roster)))

    def _pinned(self, partner: Partner, request: LookupRequest) -> Roster | None:
        """Pin the roster, if there is one; it is counted for a partner whose users are."""
        if request.roster_key is None:
            return None
        return self._rosters.pin(request.roster_key, count_to=partner.users_per_day)

    def estimate(self, partner: Partner, request: LookupRequest) -> Estimate:
        """Estimate a lookup without creating it; nothing is written."""
        self._fields(partner, request)
        roster = self._pinned(partner, request)
        users = _users(request, roster if roster is None else replace(roster, counted=None))
        turn = turn_of(self._clock(), users)
        pending = PendingLookup(
            "new", partner.name, partner.weight, float(users), float(users), turn, is_submitted=False
        )
        return self._estimates.of(request.workspace, pending)


def _users(request: LookupRequest, roster: Roster | None) -> int:
    """Return the users to look up; of a long roster this may be an estimate, or the least that it holds.

    The least is charged: the rest is when the roster is counted, before anything of it is fetched.
    """
    if roster is not None and request.roster_key is not None:
        return roster.charged_entries
    return sum(isinstance(entry, Identifier) for entry in request.entries)
