"""The users that a partner has requested today: one number per partner and day (UTC) in the ledger.

Users are charged before any call, by one conditional write: concurrent requests cannot pass the limit. The charge of a
lookup is written in the transaction that creates it, resumes it or begins its retry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lookup.errors import DailyLimitExceeded
from lookup.ledger.items import deserialize, usage_key
from lookup.ledger.model import RETENTION_SECONDS, DailyCharge, Reservation, Reserved
from lookup.ledger.table import LedgerTable
from lookup.model import DAY, Clock, timestamp
from lookup.partners import Partner


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """Users of one partner on one day, of `limit`. `resets_at` is the next midnight (UTC)."""

    users: int
    limit: int
    resets_at: float

    @property
    def left(self) -> int:
        """How many more may be requested."""
        return max(0, self.limit - self.users)

    @property
    def day(self) -> str:
        """The day, as `2026-11-25`."""
        return _day(self.resets_at - DAY)

    def charge(self, users: int) -> DailyCharge:
        """Return the charge of `users` of these for a lookup."""
        return DailyCharge(users, self.day)


class DailyUsageCounter:
    """The counts of the partners that have a limit, `usage#<partner>` and the date; the others cost no write."""

    def __init__(self, table: LedgerTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def charge(self, partner: Partner, users: int) -> DailyUsage | None:
        """Count users before their calls; None when the partner has no limit.

        Raises `DailyLimitExceeded` and counts nothing when fewer are left.
        """
        now, limit = self._clock(), partner.users_per_day
        if limit is None:
            return None
        if users > limit:
            raise self.exceeded(partner, users, limit)
        changed = self._table.update_item(
            usage_key(partner.name, _day(now)),
            "SET #expires_at = :expires ADD #users :users",
            {"users": users, "expires": int(now) + RETENTION_SECONDS, "most": limit - users},
            condition="attribute_not_exists(#users) OR #users <= :most",
        )
        if changed is None:
            raise self.exceeded(partner, users, limit)
        return DailyUsage(int(deserialize(changed)["users"]), limit, _midnight(now))

    def reserve(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a lookup of so many users, to be written in the lookup's transaction.

        Raises `DailyLimitExceeded` when they are above the limit; so does the transaction when fewer are left today.
        """
        limit = partner.users_per_day
        if limit is None:
            return Reserved()
        if users > limit:
            raise self.exceeded(partner, users, limit)
        day = _day(self._clock())
        return Reserved(DailyCharge(users, day), (self._reservation(partner, limit, users, requested=users),))

    def reserve_retry(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a retry of so many users, as `reserve` does."""
        reserved = self.reserve(partner, users)
        return reserved if reserved.charge is None else replace(reserved, charge=DailyCharge(None, reserved.charge.day))

    def resume(self, partner: Partner, charged: DailyCharge | None, fed: int, left: int) -> Reserved:
        """Return the charge for a resumed lookup of which `fed` users are fed and `left` are not.

        After a charge on another day, or none, the users left are charged to today. A charge of today stays, and
        today's users must be within the present limit, which may have been lowered.
        """
        limit, today = partner.users_per_day, _day(self._clock())
        if limit is None or not left:
            return Reserved(charged)
        if charged is not None and charged.day == today:
            return Reserved(charged, (self._reservation(partner, limit, 0, requested=left),))
        users = None if charged is not None and charged.users is None else fed + left
        return replace(self.reserve(partner, left), charge=DailyCharge(users, today))

    def recharge(self, partner: Partner, charged: DailyCharge, users: int) -> Reserved:
        """Return the charge of so many users in place of what a lookup was `charged` before, as `reserve` does.

        A charge of another day is refunded to that day.
        """
        limit, today = partner.users_per_day, _day(self._clock())
        if limit is None or charged.users is None:
            return Reserved(charged)
        if charged.day == today:
            within = self._reservation(partner, limit, users - charged.users, requested=users)
            return Reserved(DailyCharge(users, today), (within,))
        reserved = self.reserve(partner, users)
        back = self._table.update(usage_key(partner.name, charged.day), "ADD #users :back", {"back": -charged.users})
        given_back = Reservation(back, lambda: self.exceeded(partner, users, limit))
        return replace(reserved, reservations=(*reserved.reservations, given_back))

    def _reservation(self, partner: Partner, limit: int, users: int, *, requested: int) -> Reservation:
        now = self._clock()
        action = self._table.update(
            usage_key(partner.name, _day(now)),
            "SET #expires_at = :expires ADD #users :users",
            {"users": users, "expires": int(now) + RETENTION_SECONDS, "most": limit - users},
            condition="attribute_not_exists(#users) OR #users <= :most",
        )
        return Reservation(action, lambda: self.exceeded(partner, requested, limit))

    def refund(self, partner: Partner, charged: DailyUsage, users: int) -> DailyUsage:
        """Refund `users` that were not requested, on the day on which they were charged."""
        changed = self._table.update_item(
            usage_key(partner.name, charged.day),
            "ADD #users :back",
            {"back": -users, "least": users},
            condition="#users >= :least",
        )
        return charged if changed is None else replace(charged, users=int(deserialize(changed)["users"]))

    def today(self, partner: Partner) -> DailyUsage | None:
        """Read a partner's usage of today; None when it has no limit."""
        return None if partner.users_per_day is None else self._usage(partner, partner.users_per_day)

    def today_of(self, partners: Sequence[Partner]) -> dict[str, DailyUsage]:
        """Read the usage of today of those that have a limit, by their names: one request for all of them."""
        now = self._clock()
        limits = {partner.name: partner.users_per_day for partner in partners if partner.users_per_day is not None}
        items = self._table.read([usage_key(name, _day(now)) for name in limits])
        used = {facts["pk"].partition("#")[2]: int(facts["users"]) for facts in map(deserialize, items)}
        return {name: DailyUsage(used.get(name, 0), limit, _midnight(now)) for name, limit in limits.items()}

    def _usage(self, partner: Partner, limit: int) -> DailyUsage:
        now = self._clock()
        items = self._table.read([usage_key(partner.name, _day(now))])
        return DailyUsage(int(deserialize(items[0])["users"]) if items else 0, limit, _midnight(now))

    def exceeded(self, partner: Partner, users: int, limit: int) -> DailyLimitExceeded:
        """Return the error that fewer than `users` are left of a partner's `limit`."""
        usage = self._usage(partner, limit)
        return DailyLimitExceeded(users, left=usage.left, limit=limit, retry_at=usage.resets_at)


def _day(now: float) -> str:
    return timestamp(now)[:10]


def _midnight(now: float) -> float:
    return (now // DAY + 1) * DAY


def limit_headers(usage: DailyUsage | None, now: float, *, limit: int | None = None) -> dict[str, str]:
    """Return the fields of the IETF draft "RateLimit header fields for HTTP"; none for a partner without a limit.

    Without `usage`, or with that of a day that is over, there is only the policy: what is left is known only after a
    charge.
    """
    quota = usage.limit if usage else limit
    if quota is None:
        return {}
    headers = {"RateLimit-Policy": f'"daily";q={quota};w={DAY};qu="users"'}
    if usage is not None and usage.resets_at > now:
        headers["RateLimit"] = f'"daily";r={usage.left};t={math.ceil(usage.resets_at - now)}'
    return headers
