"""What a workspace's gate has granted, minute by minute for an hour and hour by hour for a day.

The gate's counters only grow, so a sample of them each minute is enough: calls write nothing for it. One item holds two
rings of samples, `[seconds, users, users on demand]`: `m0` to `m63`, one a minute, and `h0` to `h25`, the last one of
each hour. A tick that failed leaves a longer step, never a wrong sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lookup.ledger.items import deserialize, serialize
from lookup.ledger.table import LedgerTable
from lookup.model import DAY, Clock, Period

MINUTE, HOUR = 60, 3600
MINUTES, HOURS = 64, 26  # of the rings: an hour and a day, and some more


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """What a gate had granted at a time (epoch seconds): `users` of all lanes, and those `on_demand`."""

    at: float
    users: int
    on_demand: int


def period(first: Sample, last: Sample) -> Period:
    """Return what was granted between two samples; a counter that has fallen began anew with the gate's item."""
    users, on_demand = (
        after if after < before else after - before
        for before, after in ((first.users, last.users), (first.on_demand, last.on_demand))
    )
    on_demand = min(on_demand, users)
    return Period(first.at, last.at, on_demand, users - on_demand)


@dataclass(frozen=True, slots=True)
class QuotaHistory:
    """The samples of a workspace, oldest first."""

    minutes: Sequence[Sample] = ()
    hours: Sequence[Sample] = ()

    def steps(self, minutes: int) -> list[Period]:
        """Return up to `minutes` steps of about a minute until the last sample, oldest first."""
        return list(_periods(self.minutes))[-minutes:]

    def last_day(self) -> Period | None:
        """Return what was granted in about a day until the last sample; None without two samples."""
        samples = sorted({*self.hours, *self.minutes})
        if len(samples) < 2:  # noqa: PLR2004 - the ends of a period
            return None
        first = min(samples, key=lambda one: abs(samples[-1].at - DAY - one.at))
        # One by one, for the counter may have begun anew in between.
        parts = list(_periods([one for one in samples if one >= first]))
        return Period(first.at, samples[-1].at, sum(one.on_demand for one in parts), sum(one.bulk for one in parts))


def _periods(samples: Sequence[Sample]) -> Iterator[Period]:
    return (period(first, last) for first, last in pairwise(samples))


class QuotaHistories:
    """The histories of all workspaces, in the ledger."""

    def __init__(self, table: LedgerTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def record(self, workspace: str, users: int, on_demand: int) -> None:
        """Write a sample of now, in place of the one of an hour ago and of an earlier one of this hour."""
        now = int(self._clock())
        slots = f"#m{now // MINUTE % MINUTES} = :sample, #h{now // HOUR % HOURS} = :sample"
        self._table.update_item(_key(workspace), f"SET {slots}", {"sample": [now, users, on_demand]})

    def of(self, workspace: str) -> QuotaHistory:
        """Read a workspace's samples of the last hour and the last day."""
        items = self._table.read([_key(workspace)])
        facts = deserialize(items[0]) if items else {}
        since = self._clock() - DAY - 2 * HOUR
        return QuotaHistory(_samples(facts, "m", self._clock() - (MINUTES - 1) * MINUTE), _samples(facts, "h", since))


def _samples(facts: dict[str, Any], ring: str, since: float) -> list[Sample]:
    """Return a ring's samples; what is older than the ring was left by ticks that did not come."""
    written = [value for name, value in facts.items() if name.startswith(ring) and isinstance(value, list)]
    return sorted(one for one in (Sample(*map(int, value)) for value in written) if one.at >= since)


def _key(workspace: str) -> dict[str, Any]:
    return serialize({"pk": f"gate#{workspace}", "sk": "history"})
