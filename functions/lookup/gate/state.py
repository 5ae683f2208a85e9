"""The gate's state as partners and operators see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lookup.gate.window import (
    LANE_BASELINE_SLOTS,
    NoCapacity,
    Snapshot,
    capacity,
    granted_before,
    limit_now,
    on_demand_since,
)
from lookup.model import PAYLOAD_LIMIT, Lane, Period
from lookup.quota import Quota


@dataclass(frozen=True, slots=True)
class GateState:
    """A gate at one moment. Times are epoch seconds.

    `granted` is users in the last window per lane: the sum is exact to one slot and never too low, the share of
    on_demand may hold up to ten slots more. `next_room` is when a call of a full payload would be granted.
    `steps` are the slots of the window that hold grants, oldest first. Users on demand are known for ten slots
    together; within these they are spread as all users are. `counted` is what was ever granted per lane.
    `changed_at` is when the gate closed or, if it is open, when it opened; None before the first closing.
    """

    granted: Mapping[Lane, int]
    limit: int
    full_limit: int
    window: float
    closed_until: float | None
    closed_reason: str | None
    epoch: int
    next_room: Mapping[Lane, float]
    steps: tuple[Period, ...] = ()
    counted: Mapping[Lane, int] = field(default_factory=dict)
    changed_at: float | None = None

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
        steps=tuple(step for step in _steps(copy, quota) if now - quota.window < step.end),
        counted={Lane.ON_DEMAND: copy.on_demand, Lane.BULK: copy.granted - copy.on_demand},
        changed_at=copy.changed_at or None,
    )


def _steps(copy: Snapshot, quota: Quota) -> Iterator[Period]:
    """Return the slots that hold grants, oldest first."""
    users = _between(copy.baselines, copy.granted)
    on_demand = _between(copy.on_demand_baselines, copy.on_demand)
    groups: dict[int, list[int]] = {}
    for slot in users:
        groups.setdefault(slot // LANE_BASELINE_SLOTS, []).append(slot)
    for group, slots in groups.items():
        left, total = on_demand.get(group, 0), sum(users[slot] for slot in slots)
        for slot in slots:
            share = min(round(left * users[slot] / total), users[slot]) if total else 0
            left, total = left - share, total - users[slot]
            yield Period(slot * quota.slot, (slot + 1) * quota.slot, share, users[slot] - share)


def _between(baselines: Mapping[int, int], end: int) -> dict[int, int]:
    """Return by how much a counter grew from each baseline to the next, by their numbers.

    Callers whose grants take effect at different leads write baselines out of order: they count as they were written.
    """
    written = sorted((value, number) for number, value in baselines.items())
    ends = [*(value for value, _ in written[1:]), end]
    grown = {number: after - value for (value, number), after in zip(written, ends[: len(written)], strict=True)}
    return dict(sorted(grown.items()))


def _next_room(copy: Snapshot, quota: Quota, lane: Lane, now: float) -> float:
    answer = capacity(copy, quota, lane, PAYLOAD_LIMIT, now)
    return max(answer.until if isinstance(answer, NoCapacity) else now, copy.closed_until)
