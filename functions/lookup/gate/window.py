"""The arithmetic of the sliding window, on a copy of the gate's item: how much capacity there is, or from when.

No input or output. A stale copy errs on the safe side: `granted_before` never overestimates, and the condition on the
item's own counter decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor

from lookup.model import PAYLOAD_LIMIT, Lane
from lookup.quota import Quota

# Users: fuller calls are fewer calls. The 998 that bulk may have of 1,000 are 49 calls of 20 and one of 18.
BULK_MIN = 17
# Beside on-demand requests capacity comes free in odd numbers: to wait for 17 would leave more of the quota unused.
BULK_MIN_WITH_ON_DEMAND = 14
# Of a small limit that would leave much unused, or bulk beside on-demand nothing at all: a fiftieth of it is enough.
MIN_SHARE = 50
SMALL_REST = 10  # users at the end of a piece of bulk work
YIELD_SLOTS = 2  # that a caller yields at most; there may be no others
LANE_BASELINE_SLOTS = 10  # slots under one on-demand baseline: coarse, because it limits nothing
MARGIN_SLOTS = 1  # kept beyond what a window can need
RESERVE = 5  # users that bulk leaves to those who see capacity come free later than it does
MAX_AHEAD = 6.0  # seconds: no clock within the tolerance makes a grant effective so far ahead of the server
GROWTH_WINDOWS = 10.0  # a lowered limit is back to the full one after so many windows (ten minutes)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The gate's item as this process last read it. Times are epoch seconds, counters are users.

    `baselines` maps a slot's absolute number to `granted` before that slot's first grant; `on_demand_baselines` does
    the same for `on_demand` by groups of ten slots. `closed_until` of 0 means open; in the past it means due for a
    probe; while `probing` it is the end of a probe's lease.
    `changed_at` is when the gate closed or, if it is open, when it opened again; 0 before the first closing.
    `removable` names the baselines that no window needs any more, `ahead` those that a wrong clock has left far ahead
    of `server_time`, DynamoDB's clock at the read; `baselines` and `on_demand_baselines` are without them.
    """

    granted: int = 0
    baselines: Mapping[int, int] = field(default_factory=dict)
    on_demand: int = 0
    on_demand_baselines: Mapping[int, int] = field(default_factory=dict)
    epoch: int = 0
    closed_until: float = 0.0
    closed_reason: str | None = None
    probing: bool = False
    closings: int = 0
    lowered_to: int | None = None
    lowered_at: float = 0.0
    changed_at: float = 0.0
    removable: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    server_time: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Capacity for `users`: the update succeeds when the item's counter is at most `threshold`."""

    users: int
    threshold: int


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """There is no capacity before `until` (epoch seconds)."""

    until: float


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` users within the last `seconds`."""

    seconds: float
    limit: int


def slot_of(quota: Quota, at: float) -> int:
    """Return the absolute number of the slot that holds a time."""
    return floor(at / quota.slot)


def granted_before(copy: Snapshot, quota: Quota, cutoff: float) -> int:
    """Count the users whose grants are all surely older than `cutoff`: never more than there were."""
    length = quota.slot
    return min((b for slot, b in copy.baselines.items() if (slot + 1) * length > cutoff), default=copy.granted)


def on_demand_since(copy: Snapshot, quota: Quota, cutoff: float) -> int:
    """Count the on-demand users since `cutoff`, and up to ten slots before it."""
    group = LANE_BASELINE_SLOTS * quota.slot
    before = min((b for n, b in copy.on_demand_baselines.items() if (n + 1) * group > cutoff), default=copy.on_demand)
    return copy.on_demand - before


def limit_now(copy: Snapshot, quota: Quota, now: float) -> int:
    """Return the limit in force: the vendor's, or a lowered one that grows back in a straight line over ten windows."""
    if copy.lowered_to is None:
        return quota.limit
    least = min(quota.limit, quota.headroom + PAYLOAD_LIMIT)  # also when settings have changed since it was lowered
    lowered_to = max(copy.lowered_to, least)
    grown = min(max((now - copy.lowered_at) / (GROWTH_WINDOWS * quota.window), 0.0), 1.0)
    return min(quota.limit, lowered_to + floor((quota.limit - lowered_to) * grown))


def limits_of(
    copy: Snapshot, quota: Quota, lane: Lane, users: int, now: float, *, ahead: float = 0.0
) -> tuple[Window, ...]:
    """Return every window that a grant of up to `users` in this lane has to respect.

    Bulk leaves headroom, and is paced twice: over a few seconds, so that a start is no burst, and over a quarter of the
    window, so that capacity comes free evenly. The second rate is near the sustainable one, with the guard and half a
    slot lost in every cycle. Beside on-demand requests, bulk that sees capacity come free `ahead` of a caller who has
    not measured the time leaves some of it until that caller sees it too.
    """
    limit = limit_now(copy, quota, now)
    if lane is Lane.ON_DEMAND:
        return (Window(quota.guarded, limit),)
    bulk_limit = limit - _headroom(copy, quota, users, now)
    windows = (
        Window(quota.guarded, bulk_limit),
        _paced(quota, quota.pace_window, quota.pace_factor * limit / quota.window),
        _paced(quota, quota.window / 4, quota.smooth_factor * bulk_limit / quota.cycle),
    )
    if ahead > 0 and on_demand_active(copy, quota, now):
        return (*windows, Window(quota.guarded + ahead, limit - min(RESERVE, quota.headroom)))
    return windows


def on_demand_active(copy: Snapshot, quota: Quota, now: float) -> bool:
    """Return whether on-demand requests were granted, or waited, within the last window."""
    return on_demand_since(copy, quota, now - quota.window) > 0


def _headroom(copy: Snapshot, quota: Quota, users: int, now: float) -> int:
    if on_demand_active(copy, quota, now):
        return quota.headroom
    # The last users of a part may use the headroom that is kept while nothing waits: the part ends sooner.
    return quota.quiet_headroom if users > SMALL_REST else 0


def _paced(quota: Quota, seconds: float, rate: float) -> Window:
    """Return a rate as a window of full payloads, over one slot more: a slot counts until its end has left."""
    return Window(seconds, max(ceil(floor(rate * (seconds + quota.slot)) / PAYLOAD_LIMIT), 1) * PAYLOAD_LIMIT)


def capacity(
    copy: Snapshot, quota: Quota, lane: Lane, users: int, now: float, *, yield_to: int = 0, ahead: float = 0.0
) -> Capacity | NoCapacity:
    """Return the capacity for a call of up to `users` by this copy, or when there will be some.

    `yield_to` is how many users of others shall be granted first if there is none now, within two slots.
    """
    bounds = limits_of(copy, quota, lane, users, now, ahead=ahead)
    most = min(users, *(window.limit for window in bounds))
    least = min(most, _bulk_min(copy, quota, now)) if lane is Lane.BULK else most
    base = min(granted_before(copy, quota, now - window.seconds) + window.limit for window in bounds)
    room = min(most, base - copy.granted)
    if room >= least:
        return Capacity(room, base - room)
    first, yielded = (
        max(_free_at(copy, quota, window, min(wanted, window.limit), now) for window in bounds)
        for wanted in (least, least + yield_to)
    )
    return NoCapacity(min(yielded, first + YIELD_SLOTS * quota.slot))


def _bulk_min(copy: Snapshot, quota: Quota, now: float) -> int:
    least = BULK_MIN_WITH_ON_DEMAND if on_demand_active(copy, quota, now) else BULK_MIN
    return min(least, max(limit_now(copy, quota, now) // MIN_SHARE, 1))


def _free_at(copy: Snapshot, quota: Quota, window: Window, users: int, now: float) -> float:
    """Return when `users` fit into one window: when every slot that started too low has left it."""
    needed, length = copy.granted + users - window.limit, quota.slot
    ends = [(slot + 1) * length for slot, before in copy.baselines.items() if before < needed]
    return max((end + window.seconds for end in ends), default=now)


def needed_span(quota: Quota, server_time: float) -> tuple[float, float]:
    """Return after when a slot must end, and by when it must start, for a window to need its baseline.

    Of `server_time`, by DynamoDB's clock. A baseline far ahead was written by a clock that was off; its grant was not
    used.
    """
    age = quota.guarded + 2 * quota.clock_skew + MARGIN_SLOTS * quota.slot
    return server_time - age, server_time + MAX_AHEAD
