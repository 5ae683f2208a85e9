"""When a lookup will be done: the backlog drained at the quota's rate, shared as the feeder shares it.

What waits is read from the partners' shares: how much that is does not depend on how many lookups there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord, LookupState
from lookup.ledger.shares import ReadyLookup, Share
from lookup.model import DAY, Clock
from lookup.quota import Quota
from lookup.settings import Settings

BULK_SHARE = 0.95  # of the quota that the gate gives to bulk beside the on-demand lane
MAX_AHEAD = 100  # of a partner's own lookups that are looked at one by one


@dataclass(frozen=True, slots=True)
class PendingLookup:
    """A lookup that still has `users` to be asked for, `unfed` of them not on the queue yet; `turn` is its place.

    One that is not submitted is none of the workspace's lookups yet.
    """

    lookup_id: str
    partner: str
    weight: int
    users: float
    unfed: float
    turn: float
    is_submitted: bool = True


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a workspace still has to ask for: `on_queue` users, and the shares with those that are not fed yet."""

    on_queue: int
    shares: Sequence[Share]

    @property
    def users(self) -> int:
        """All users that wait; what is on the queue of lookups that were cancelled or paused is not waited for."""
        on_queue = max(0, self.on_queue) if self.lookups else 0
        return on_queue + sum(max(0, share.users) for share in self.shares)

    @property
    def lookups(self) -> int:
        """How many lookups go on."""
        return sum(share.running for share in self.shares)


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a lookup will be done (epoch seconds), the users served before that for others, and what it costs."""

    done_at: float
    users_ahead: int
    users: int
    share_of_day: float


def pending_of(progress: LookupRecord) -> PendingLookup:
    """Return what a lookup still waits for; in a retry these are the failures that were not made good yet."""
    spec, counts = progress.spec, progress.tally.counts
    left = float(max(0, counts.failed if progress.cursor.retry_round else progress.requested - counts.requested))
    return PendingLookup(spec.lookup_id, spec.partner, spec.weight, left, min(left, progress.left), spec.turn)


def backlog_of(ledger: LookupLedger, workspace: str) -> Backlog:
    """Read what a workspace still has to ask for."""
    return Backlog(ledger.in_flight(workspace).users, ledger.shares.of(workspace))


class Estimates:
    """Estimates of what a ledger holds. `opens_at` returns when a gate opens: a time in the past if it is open."""

    def __init__(
        self, ledger: LookupLedger, settings: Settings, *, opens_at: Callable[[str], float], clock: Clock
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._opens_at = opens_at
        self._clock = clock

    def of(self, workspace: str, one: PendingLookup) -> Estimate:
        """Estimate a lookup, beside all others of its workspace, whether it was submitted or not."""
        return self._all(workspace, [one])[one.lookup_id]

    def of_running(self, lookups: Sequence[LookupRecord]) -> dict[str, Estimate]:
        """Estimate those of several lookups that run, by id. What is read grows with their partners, not with them."""
        waits: dict[str, list[PendingLookup]] = {}
        for one in lookups:
            if one.finished_at is None and one.state is LookupState.ACTIVE:
                waits.setdefault(one.spec.workspace, []).append(pending_of(one))
        found = [self._all(workspace, those) for workspace, those in waits.items()]
        return {lookup_id: one for of_workspace in found for lookup_id, one in of_workspace.items()}

    def _all(self, workspace: str, those: Sequence[PendingLookup]) -> dict[str, Estimate]:
        backlog, quota = backlog_of(self._ledger, workspace), self._settings.workspace(workspace).quota
        shares = {share.partner: share for share in backlog.shares}
        begins_at = max(self._clock(), self._opens_at(workspace))
        last = {one.partner: one.turn for one in sorted(those, key=lambda one: one.turn)}
        before = {name: self._ledger.shares.before(workspace, name, turn, MAX_AHEAD) for name, turn in last.items()}
        estimated: dict[str, Estimate] = {}
        for one in those:
            ahead = _ahead(one, before[one.partner], shares.get(one.partner, Share(one.partner)))
            estimated[one.lookup_id] = estimate(one, ahead, backlog, quota, begins_at)
        return estimated

    def backlog(self, workspace: str) -> Backlog:
        """Read what a workspace's lookups still wait for."""
        return backlog_of(self._ledger, workspace)


def _ahead(one: PendingLookup, ready: Sequence[ReadyLookup], own: Share) -> float:
    """Return how many users of the partner's own are fed before; of very many lookups at most."""
    before = [entry for entry in ready if entry.is_not_after(one.turn)]
    if len(before) == MAX_AHEAD:
        return max(0.0, own.users - one.unfed)
    return float(sum(entry.left for entry in before if entry.lookup_id != one.lookup_id))


def minutes(users: float, quota_limit: float, window: float) -> float:
    """Return how many minutes of quota so many users take."""
    return users * window / quota_limit / 60


def drained_at(users: float, quota_limit: float, window: float, begins_at: float) -> float:
    """Return when so many users will have been requested by bulk, which begins at a time (epoch seconds)."""
    return begins_at + users * window / (BULK_SHARE * quota_limit)


def estimate(one: PendingLookup, ahead: float, backlog: Backlog, quota: Quota, now: float) -> Estimate:
    """Return when the backlog has drained so far: what is on the queue, then by the partners' weights.

    `ahead` are the unfed users of the partner's own that come before; all but the lookup's own users are ahead of it.
    """
    passed = 0.0
    if one.users > 0:
        own_on_queue = one.users - one.unfed
        is_alone = backlog.lookups <= one.is_submitted  # then what else is on the queue is of cancelled lookups
        on_queue = own_on_queue if is_alone else max(float(backlog.on_queue), own_on_queue)
        own = ahead + one.unfed
        others = (share for share in backlog.shares if share.partner != one.partner)
        beside = sum(min(max(0.0, other.users), own * other.weight / one.weight) for other in others)
        passed = on_queue + own + beside
    share_of_day = one.users * quota.window / (quota.limit * DAY)
    done_at = drained_at(passed, quota.limit, quota.window, now)
    return Estimate(done_at, round(passed - one.users), round(one.users), share_of_day)
