"""How long a lone job must take: by the gate's own arithmetic, for one caller who loses no time of its own."""

from __future__ import annotations

from statistics import fmean

from lookup.gate.limiter import BULK_PHASE
from lookup.gate.window import NoCapacity, Snapshot, capacity, slot_of
from lookup.model import PAYLOAD_LIMIT, Lane
from lookup.quota import Quota

PHASES = 10  # a slot counts until its end, so it matters where in its slot the job starts
PAUSE = sum(BULK_PHASE) / 2  # of a slot: after the returned moment, where bulk tries on average


def minimum_seconds(quota: Quota, users: int) -> float:
    """Return the least time that quota and pace allow for bulk users on an idle quota, in the mean of its starts."""
    return fmean(_from(quota, users, quota.slot * phase / PHASES) for phase in range(PHASES))


def _from(quota: Quota, users: int, start: float) -> float:
    now, copy, baselines = start, Snapshot(), dict[int, int]()
    while copy.granted < users:
        answer = capacity(copy, quota, Lane.BULK, min(PAYLOAD_LIMIT, users - copy.granted), now)
        if isinstance(answer, NoCapacity):
            now = answer.until + PAUSE * quota.slot
            continue
        baselines.setdefault(slot_of(quota, now), copy.granted)
        copy = Snapshot(granted=copy.granted + answer.users, baselines=baselines)
    return now - start
