"""When a lookup will be done: the backlog drained at the quota's rate, shared as the feeder shares it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lookup.ledger import Ledger
from lookup.lookup_model import LookupState, Progress
from lookup.settings import Quota

USED = 0.95  # of the quota that the gate gives to bulk while people ask too
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lookup that still has `users` to be asked for."""

    lookup_id: str
    partner: str
    weight: int
    users: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a lookup will be done (epoch seconds), the users served before that for others, and what it costs."""

    done_at: float
    users_ahead: int
    users: int
    share_of_day: float


def waiting(progress: Progress) -> Waiting:
    """Tell what a lookup still waits for."""
    spec = progress.spec
    left = progress.requested - progress.tally.counts.requested
    return Waiting(spec.lookup_id, spec.partner, spec.weight, float(max(0, left)))


def backlog_of(ledger: Ledger, workspace: str) -> list[Waiting]:
    """Read what every lookup of a workspace that goes on still waits for."""
    ids = [one.lookup_id for one in ledger.actives(workspace)]
    return [waiting(one) for one in ledger.progress_of(ids) if one.state is LookupState.ACTIVE]


def minutes(users: float, quota_limit: float, window: float) -> float:
    """Tell how many minutes of quota so many users take."""
    return users * window / quota_limit / 60


def estimate(lookup_id: str, backlog: Sequence[Waiting], quota: Quota, now: float) -> Estimate:
    """Let the backlog drain until the lookup is through; all but the lookup's own users are ahead of it."""
    rate = USED * quota.limit / quota.window
    left = {one.lookup_id: one for one in backlog if one.users > 0}
    own = left[lookup_id].users if lookup_id in left else 0.0
    passed = 0.0
    users = {name: one.users for name, one in left.items()}
    while lookup_id in left:
        shares = _shares(list(left.values()))
        first = min(left, key=lambda name: users[name] / shares[name])
        step = users[first] / shares[first]
        for name, share in shares.items():
            users[name] -= share * step
        passed += step
        del left[first]
    return Estimate(now + passed / rate, round(passed - own), round(own), own * quota.window / (quota.limit * DAY))


def _shares(backlog: Sequence[Waiting]) -> dict[str, float]:
    """Share one user of quota as the feeder does: by partner's weight, divided among the partner's lookups."""
    lookups = Counter(one.partner for one in backlog)
    weights = {one.lookup_id: one.weight / lookups[one.partner] for one in backlog}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
