"""Lookups over rosters as a partner submits them: charged, written down, and fed before anybody is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from lookup.bulk.conversion.conversions import ConversionRequests
from lookup.bulk.estimates import Estimate, Estimates, PendingLookup
from lookup.bulk.feeder import Feeder
from lookup.fetch.authorization import Authorization
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import DailyCharge, LookupSpec, Reserved, Roster, turn_of
from lookup.model import Clock, Identifier, InvalidIdentifier, Lane
from lookup.partners import Partner
from lookup.rosters.keys import key_of
from lookup.rosters.store import RosterStore


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What to look up: a roster that was uploaded, or identifiers that came inline.

    `submitted_at` is when it was asked for, if not now. `lookup_id` is one that names this order and no other.
    `waited_for` is a request that somebody waited for until the quota left no room; `charged_on` is the day to which
    its users are charged already.
    """

    workspace: str
    roster_id: str | None = None
    entries: Sequence[Identifier | InvalidIdentifier] = ()
    fields: tuple[str, ...] | None = None
    max_age: float = 0.0
    submitted_at: float | None = None
    lookup_id: str | None = None
    charged_on: str | None = None
    waited_for: bool = False


class Submission:
    """Takes orders in. Every method raises what of the caller's does not fit, by name."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        conversions: ConversionRequests,
        feeder: Feeder,
        rosters: RosterStore,
        estimates: Estimates,
        authorization: Authorization,
        clock: Clock,
        most: int | None = None,
    ) -> None:
        """`most` lookups of a partner may be unfinished in a workspace at once; None is as many as it likes."""
        self._ledger = ledger
        self._conversions = conversions
        self._feeder = feeder
        self._rosters = rosters
        self._estimates = estimates
        self._authorization = authorization
        self._clock = clock
        self._most = most

    def submit(self, partner: Partner, order: LookupRequest) -> str:
        """Write the lookup down and feed its first parts, unless one of its id is there already; give its id.

        Its users are charged in the same transaction. Raises what `Authorization` does.
        """
        lookup_id = order.lookup_id
        if lookup_id is None or self._ledger.progress(lookup_id) is None:
            lookup_id = self._write_down(partner, order)
        self._feeder.try_feed(order.workspace, lookup_id)
        return lookup_id

    def _write_down(self, partner: Partner, order: LookupRequest) -> str:
        lookup_id = order.lookup_id or f"lookup-{uuid4().hex}"
        fields = self._fields(partner, order)
        roster = self._uploaded(partner, order) or self._rosters.write(lookup_id, order.entries)
        reserved = self._reserved(partner, order, roster)
        spec = LookupSpec(
            lookup_id=lookup_id,
            workspace=order.workspace,
            partner=partner.name,
            submitted_at=self._clock() if order.submitted_at is None else order.submitted_at,
            roster=roster,
            max_age=order.max_age,
            fields=fields,
            weight=partner.weight,
            charged=reserved.charge,
        )
        self._conversions.submit(spec, reserved.reservations, most=self._most)  # of two with one id the first counts
        return lookup_id

    def _fields(self, partner: Partner, order: LookupRequest) -> tuple[str, ...] | None:
        """Return the fields to ask for. Whom the busy quota makes wait needs no lane but the one that he asked in."""
        lane = Lane.ON_DEMAND if order.waited_for and Lane.BULK not in partner.lanes else Lane.BULK
        return self._authorization.fields(partner, order.workspace, order.fields, lane)

    def _reserved(self, partner: Partner, order: LookupRequest, roster: Roster) -> Reserved:
        if order.charged_on is not None:
            return Reserved(DailyCharge(None, order.charged_on))
        return self._authorization.users(partner, _users(order, roster))

    def _uploaded(self, partner: Partner, order: LookupRequest) -> Roster | None:
        """Pin the roster, if there is one; it is counted for a partner whose users are."""
        if order.roster_id is None:
            return None
        return self._rosters.pin(key_of(partner.name, order.roster_id), count_to=partner.users_per_day)

    def would_take(self, partner: Partner, order: LookupRequest) -> Estimate:
        """Estimate a lookup without submitting it; nothing is written."""
        self._fields(partner, order)
        roster = self._uploaded(partner, order)
        users = _users(order, roster if roster is None else replace(roster, counted=None))
        turn = turn_of(self._clock(), users)
        waiting = PendingLookup(
            "new", partner.name, partner.weight, float(users), float(users), turn, is_submitted=False
        )
        return self._estimates.of(order.workspace, waiting)


def _users(order: LookupRequest, roster: Roster | None) -> int:
    """Count the users that an order asks for; of a long roster this may be an estimate, or the least that it holds.

    The least is charged: the rest is when the roster is counted, before anything of it is asked.
    """
    if order.roster_id is not None and roster is not None:
        return roster.least
    return sum(isinstance(entry, Identifier) for entry in order.entries)
