"""When a lookup will be done: the backlog drained at the quota's rate, shared as the feeder shares it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lookup.ledger import Ledger
from lookup.lookup_model import LookupState, Progress
from lookup.model import Clock
from lookup.quota import Quota
from lookup.settings import Settings

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
    """Tell what a lookup still waits for; in a retry these are the failures that were not made good yet."""
    spec, counts = progress.spec, progress.tally.counts
    left = counts.failed if progress.cursor.round else progress.requested - counts.requested
    return Waiting(spec.lookup_id, spec.partner, spec.weight, float(max(0, left)))


def backlog_of(ledger: Ledger, workspace: str) -> list[Waiting]:
    """Read what every lookup of a workspace that goes on still waits for."""
    ids = [one.lookup_id for one in ledger.actives(workspace)]
    return [waiting(one) for one in ledger.progress_of(ids) if one.state is LookupState.ACTIVE]


class Estimates:
    """Estimates of what a ledger holds. `opens_at` tells when a workspace is asked again: a time gone by if it is."""

    def __init__(self, ledger: Ledger, settings: Settings, *, opens_at: Callable[[str], float], clock: Clock) -> None:
        self._ledger = ledger
        self._settings = settings
        self._opens_at = opens_at
        self._clock = clock

    def of(self, workspace: str, one: Waiting) -> Estimate:
        """Estimate a lookup, beside all others of its workspace, whether it was submitted or not."""
        others = [other for other in backlog_of(self._ledger, workspace) if other.lookup_id != one.lookup_id]
        quota = self._settings.workspace(workspace).quota
        begins_at = max(self._clock(), self._opens_at(workspace))
        return estimate(one.lookup_id, [*others, one], quota, begins_at)

    def backlog(self, workspace: str) -> float:
        """Tell how many users a workspace's lookups still wait for."""
        return sum(one.users for one in backlog_of(self._ledger, workspace))


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
