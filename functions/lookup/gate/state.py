"""The gate's state as partners and operators see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lookup.gate.window import NoCapacity, Snapshot, capacity, granted_before, limit_now, on_demand_since
from lookup.model import PAYLOAD_LIMIT, Lane
from lookup.quota import Quota


@dataclass(frozen=True, slots=True)
class GateState:
    """A gate at one moment. Times are epoch seconds.

    `granted` is users in the last window per lane: the sum is exact to one slot and never too low, the share of
    on_demand may hold up to ten slots more. `next_room` is when a call of a full payload would be granted.
    """

    granted: Mapping[Lane, int]
    limit: int
    full_limit: int
    window: float
    closed_until: float | None
    closed_reason: str | None
    epoch: int
    next_room: Mapping[Lane, float]

    @property
    def is_closed(self) -> bool:
        """Whether all calls but a probe are refused."""
        return self.closed_until is not None

    def is_blocked(self, now: float) -> bool:
        """Return whether even a probe is refused at `now`."""
        return (self.closed_until or 0.0) > now


def state_of(copy: Snapshot, quota: Quota, now: float) -> GateState:
    """Return the state by a copy of the item."""
    total = copy.granted - granted_before(copy, quota, now - quota.window)
    on_demand = min(on_demand_since(copy, quota, now - quota.window), total)
    return GateState(
        granted={Lane.ON_DEMAND: on_demand, Lane.BULK: total - on_demand},
        limit=limit_now(copy, quota, now),
        full_limit=quota.limit,
        window=quota.window,
        closed_until=copy.closed_until or None,
        closed_reason=copy.closed_reason,
        epoch=copy.epoch,
        next_room={lane: _next_room(copy, quota, lane, now) for lane in Lane},
    )


def _next_room(copy: Snapshot, quota: Quota, lane: Lane, now: float) -> float:
    answer = capacity(copy, quota, lane, PAYLOAD_LIMIT, now)
    return max(answer.until if isinstance(answer, NoCapacity) else now, copy.closed_until)
