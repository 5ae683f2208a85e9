"""How many users a partner has asked for today: one number per partner and day (UTC) in the ledger.

Charged before anything is asked, by one conditional write: of many requests at once none gets past the limit. What a
lookup is charged is written in the transaction that makes it, resumes it or begins its retry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lookup.errors import DailyLimitExceeded
from lookup.ledger.items import deserialize, usage_key
from lookup.ledger.model import KEPT_SECONDS, DailyCharge, Reservation, Reserved
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
        """How many more may be asked for."""
        return max(0, self.limit - self.users)

    @property
    def day(self) -> str:
        """The day, as `2026-11-25`."""
        return _day(self.resets_at - DAY)

    def charge(self, users: int) -> DailyCharge:
        """Say that `users` of these were charged for a lookup."""
        return DailyCharge(users, self.day)


class DailyUsageCounter:
    """The counts of the partners that have a limit, `usage#<partner>` and the date; the others cost no write."""

    def __init__(self, table: LedgerTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def charge(self, partner: Partner, users: int) -> DailyUsage | None:
        """Count users that are about to be asked for; None when the partner has no limit.

        Raises `DailyLimitExceeded` and counts nothing when they are more than are left.
        """
        now, limit = self._clock(), partner.users_per_day
        if limit is None:
            return None
        if users > limit:
            raise self.over(partner, users, limit)
        changed = self._table.update_now(
            usage_key(partner.name, _day(now)),
            "SET #expires_at = :expires ADD #users :users",
            {"users": users, "expires": int(now) + KEPT_SECONDS, "most": limit - users},
            condition="attribute_not_exists(#users) OR #users <= :most",
        )
        if changed is None:
            raise self.over(partner, users, limit)
        return DailyUsage(int(deserialize(changed)["users"]), limit, _midnight(now))

    def reserve(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a lookup of so many users, to be written in the lookup's transaction.

        Raises `DailyLimitExceeded` when no day has room for them; so does the transaction when this day has none.
        """
        limit = partner.users_per_day
        if limit is None:
            return Reserved()
        if users > limit:
            raise self.over(partner, users, limit)
        day = _day(self._clock())
        return Reserved(DailyCharge(users, day), (self._within(partner, limit, users, asked=users),))

    def reserve_retry(self, partner: Partner, users: int) -> Reserved:
        """Return the charge for a retry of so many users, as `reserve` does."""
        reserved = self.reserve(partner, users)
        return reserved if reserved.charge is None else replace(reserved, charge=DailyCharge(None, reserved.charge.day))

    def go_on(self, partner: Partner, charged: DailyCharge | None, fed: int, left: int) -> Reserved:
        """Return the charge for a lookup of which `fed` users are asked for and `left` will be from now on.

        What was charged on another day, or not at all, is charged to today as far as it is left. What was charged today
        stays, and today's users must be within the limit of now, which may be lower than it was.
        """
        limit, today = partner.users_per_day, _day(self._clock())
        if limit is None or not left:
            return Reserved(charged)
        if charged is not None and charged.day == today:
            return Reserved(charged, (self._within(partner, limit, 0, asked=left),))
        users = None if charged is not None and charged.users is None else fed + left
        return replace(self.reserve(partner, left), charge=DailyCharge(users, today))

    def recharge(self, partner: Partner, charged: DailyCharge, users: int) -> Reserved:
        """Return the charge of so many users in place of what a lookup was `charged` before, as `reserve` does.

        What was charged on another day is given back to that day.
        """
        limit, today = partner.users_per_day, _day(self._clock())
        if limit is None or charged.users is None:
            return Reserved(charged)
        if charged.day == today:
            within = self._within(partner, limit, users - charged.users, asked=users)
            return Reserved(DailyCharge(users, today), (within,))
        reserved = self.reserve(partner, users)
        back = self._table.update(usage_key(partner.name, charged.day), "ADD #users :back", {"back": -charged.users})
        given_back = Reservation(back, lambda: self.over(partner, users, limit))
        return replace(reserved, reservations=(*reserved.reservations, given_back))

    def _within(self, partner: Partner, limit: int, users: int, *, asked: int) -> Reservation:
        now = self._clock()
        action = self._table.update(
            usage_key(partner.name, _day(now)),
            "SET #expires_at = :expires ADD #users :users",
            {"users": users, "expires": int(now) + KEPT_SECONDS, "most": limit - users},
            condition="attribute_not_exists(#users) OR #users <= :most",
        )
        return Reservation(action, lambda: self.over(partner, asked, limit))

    def give_back(self, partner: Partner, charged: DailyUsage, users: int) -> DailyUsage:
        """Take `users` that were not asked for off the day on which they were charged, which may be over by now."""
        changed = self._table.update_now(
            usage_key(partner.name, charged.day),
            "ADD #users :back",
            {"back": -users, "least": users},
            condition="#users >= :least",
        )
        return charged if changed is None else replace(charged, users=int(deserialize(changed)["users"]))

    def today(self, partner: Partner) -> DailyUsage | None:
        """Read what a partner has asked for today; None when it has no limit."""
        return None if partner.users_per_day is None else self._use(partner, partner.users_per_day)

    def _use(self, partner: Partner, limit: int) -> DailyUsage:
        now = self._clock()
        items = self._table.read([usage_key(partner.name, _day(now))])
        return DailyUsage(int(deserialize(items[0])["users"]) if items else 0, limit, _midnight(now))

    def over(self, partner: Partner, users: int, limit: int) -> DailyLimitExceeded:
        """Say that a partner has fewer than `users` left of its `limit`."""
        use = self._use(partner, limit)
        return DailyLimitExceeded(users, left=use.left, limit=limit, retry_at=use.resets_at)


def _day(now: float) -> str:
    return timestamp(now)[:10]


def _midnight(now: float) -> float:
    return (now // DAY + 1) * DAY


def limit_headers(use: DailyUsage | None, now: float, *, limit: int | None = None) -> dict[str, str]:
    """Write the fields of the IETF draft "RateLimit header fields for HTTP"; nothing for a partner without a limit.

    Without `use`, or with that of a day that is over, only the policy is told: what is left is known where it was
    counted.
    """
    quota = use.limit if use else limit
    if quota is None:
        return {}
    headers = {"RateLimit-Policy": f'"daily";q={quota};w={DAY};qu="users"'}
    if use is not None and use.resets_at > now:
        headers["RateLimit"] = f'"daily";r={use.left};t={math.ceil(use.resets_at - now)}'
    return headers
