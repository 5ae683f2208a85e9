"""Lookups over rosters as a partner submits them: charged, written down, and fed before anybody is told of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from lookup.daily_use import Use
from lookup.estimates import Estimate, Estimates, Waiting
from lookup.feeder import Feeder
from lookup.ledger import Ledger
from lookup.lookup_model import LookupSpec, Roster
from lookup.model import PART_LIMIT, Clock, Identifier, Invalid, Lane
from lookup.partners import Partner
from lookup.rosters import Rosters, key_of
from lookup.settings import Settings

Charge = Callable[[int], Use | None]


@dataclass(frozen=True, slots=True)
class RosterOrder:
    """What to look up: a roster that was uploaded, or identifiers that came inline.

    `submitted_at` is when it was asked for, if not now. `lookup_id` is one that names this order and no other.
    """

    workspace: str
    roster_id: str | None = None
    entries: Sequence[Identifier | Invalid] = ()
    fields: tuple[str, ...] | None = None
    max_age: float = 0.0
    submitted_at: float | None = None
    lookup_id: str | None = None

    @property
    def is_one_part(self) -> bool:
        """Whether it is so short that somebody may have asked for it at once."""
        return self.roster_id is None and len(self.entries) <= PART_LIMIT


class Submissions:
    """Takes orders in. Every method raises what of the caller's does not fit, by name."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        feeder: Feeder,
        rosters: Rosters,
        estimates: Estimates,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._feeder = feeder
        self._rosters = rosters
        self._estimates = estimates
        self._settings = settings
        self._clock = clock

    def submit(self, partner: Partner, order: RosterOrder, charge: Charge) -> str:
        """Write the lookup down and feed its first parts, unless one of its id is there already; give its id.

        `charge` hears how many users it asks for, before it is written down; what it raises is raised.
        """
        lookup_id = order.lookup_id
        if lookup_id is None or self._ledger.progress(lookup_id) is None:
            lookup_id = self._write_down(partner, order, charge)
        self._feeder.feed_soon(order.workspace, first=lookup_id if order.is_one_part else None)
        return lookup_id

    def _write_down(self, partner: Partner, order: RosterOrder, charge: Charge) -> str:
        lookup_id = order.lookup_id or f"lookup-{uuid4().hex}"
        fields = partner.granted(order.workspace, order.fields, self._settings)
        roster = self._uploaded(partner, order) or self._rosters.write(lookup_id, order.entries)
        users = _users(order, roster)
        use = charge(users)
        spec = LookupSpec(
            lookup_id=lookup_id,
            workspace=order.workspace,
            partner=partner.name,
            submitted_at=self._clock() if order.submitted_at is None else order.submitted_at,
            roster=roster,
            max_age=order.max_age,
            fields=fields,
            weight=partner.weight,
            charged=use.charge(users) if use else None,
        )
        if not self._ledger.submit(spec):
            charge(-users)
        return lookup_id

    def _uploaded(self, partner: Partner, order: RosterOrder) -> Roster | None:
        """Pin the roster, if there is one; it is counted for a partner whose users are."""
        if order.roster_id is None:
            return None
        return self._rosters.pin(key_of(partner.name, order.roster_id), count_to=partner.users_per_day)

    def would_take(self, partner: Partner, order: RosterOrder) -> Estimate:
        """Estimate a lookup without submitting it; nothing is written."""
        partner.require(Lane.BULK)
        partner.granted(order.workspace, order.fields, self._settings)
        users = _users(order, self._uploaded(partner, order))
        return self._estimates.of(order.workspace, Waiting("new", partner.name, partner.weight, float(users)))


def _users(order: RosterOrder, roster: Roster | None) -> int:
    """Count the users that an order asks for; of a long roster this may be an estimate."""
    if order.roster_id is not None and roster is not None:
        return roster.entries
    return sum(isinstance(entry, Identifier) for entry in order.entries)
