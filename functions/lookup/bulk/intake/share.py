"""The intake queue's share of a workspace's quota: its messages take turns with the partners' rosters, as one of them.

The share's tag advances by the users that are requested, a part's worth at a time and before they are; what was not
used is taken back. A function that dies between the two leaves the tag ahead by a part at most. What is answered from
the store never comes here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lookup.errors import RetryLater, ServiceError, UnknownWorkspace
from lookup.ledger.items import share_key
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.shares import INTAKE, Share, Turn, cost, intake_turn, read_share, turns, virtual_time
from lookup.ledger.table import LedgerTable
from lookup.model import PART_LIMIT, Clock, Sleep
from lookup.settings import Workspace
from lookup.telemetry import logger

SHARE = "share"  # why messages are returned to the queue while it is the rosters' turn
# Durations as shares of the quota's window, so that they hold for any quota: the vendor's is 60 s.
POLL_INTERVAL = 1 / 30  # between two reads of whose turn it is
MARK_INTERVAL = 1 / 12  # between two writes that messages wait
MARK_LIFETIME = 1 / 6  # that messages count as waiting after the last such write
RETURN_DELAY = 1 / 6  # that returned messages are hidden
QUICK_GRANT = 1 / 60  # that a grant may take while there is quota for all
STALLED_AFTER = 6  # times that a part takes with the whole quota: then the rosters count as stalled


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """The shares, whether parts of rosters are in flight, and since when nothing has moved."""

    shares: Sequence[Share]
    is_out: bool
    standing: str
    since: float


class IntakeShare:
    """Shares of the intake queue, one in each workspace."""

    def __init__(
        self,
        ledger: LookupLedger,
        table: LedgerTable,
        workspaces: Mapping[str, Workspace],
        *,
        clock: Clock,
        sleep: Sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._table = table
        self._workspaces = workspaces
        self.clock = clock
        self.sleep = sleep
        self.jitter = jitter

    @contextmanager
    def turns(self, workspace: str) -> Iterator[IntakeTurns]:
        """Return the turns of one batch; at its end the tag is taken back by what was not requested.

        Raises `UnknownWorkspace`.
        """
        if workspace not in self._workspaces:
            raise UnknownWorkspace(workspace)
        batch = IntakeTurns(self, workspace, self._workspaces[workspace])
        try:
            yield batch
        finally:
            batch.end()

    def progress(self, workspace: str) -> QueueProgress:
        """Read the progress of the workspace's queue."""
        facts, out = self._ledger.shares.facts(workspace), self._ledger.in_flight(workspace).entries
        now = self.clock()
        shares = [read_share(one, now) for one in facts]
        standing = _standing(shares, out)
        own: Mapping[str, Any] = next((one for one in facts if one["sk"] == INTAKE), {})
        is_same = own.get("standing") == standing and float(own.get("wants_until", 0.0)) > now
        return QueueProgress(shares, out > 0, standing, float(own["standing_since"]) if is_same else now)

    def advance(self, workspace: str, turn: Turn, users: int, weight: int) -> bool:
        """Move the tag on unless somebody else has since it was read; return whether it was moved."""
        facts = {"tag": turn.tag + cost(users, weight), "virtual": turn.virtual, "weight": weight}
        unmoved = "#tag = :seen" if turn.share.tag else "#tag = :seen OR attribute_not_exists(#tag)"
        change = "SET #tag = :tag, #virtual = :virtual, #weight = :weight"
        values = {**facts, "seen": turn.share.tag}
        return self._table.update_item(share_key(workspace, INTAKE), change, values, condition=unmoved) is not None

    def take_back(self, workspace: str, users: int, weight: int) -> None:
        """Take the tag back for users who were not requested."""
        self._table.update_item(share_key(workspace, INTAKE), "ADD #tag :back", {"back": -cost(users, weight)})

    def mark_waiting(self, workspace: str, progress: QueueProgress | None, weight: int, until: float) -> None:
        """Write that messages wait, and the progress meanwhile, if it was read."""
        facts: dict[str, object] = {"wants_until": until, "weight": weight}
        if progress is not None:
            facts |= {"standing": progress.standing, "standing_since": progress.since}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in facts)
        self._table.update_item(share_key(workspace, INTAKE), change, facts)


class IntakeTurns:
    """The turns of one batch of messages of one workspace."""

    def __init__(self, share: IntakeShare, workspace: str, settings: Workspace) -> None:
        self._share = share
        self._workspace = workspace
        self._weight = settings.intake_weight
        self._quota = settings.quota
        self._left = 0  # users by which the tag is advanced, not requested yet
        self._turned_at = 0.0
        self._is_waiting = False  # for quota, or for its share
        self._marked_at = 0.0

    def turn(self, gate: object, users: int, left: int, until: float) -> int:  # noqa: ARG002 - others look at the gate
        """Wait until it is the intake queue's turn; return how many of `users` may be requested of the gate.

        `left` is how many the batch still has to request. The tag advances by a part's worth of them at once.
        Raises `RetryLater` when the turn does not come before `until` (epoch seconds).
        """
        if self._is_waiting:
            self._mark_waiting(None)
        while self._left <= 0:
            progress = self._share.progress(self._workspace)
            if (turn := self._turn(progress)) is None:
                self._wait(progress, until)
            elif self._share.advance(self._workspace, turn, min(left, PART_LIMIT), self._weight):
                self._left = min(left, PART_LIMIT)
        self._turned_at = self._share.clock()
        return min(users, self._left)

    def _turn(self, progress: QueueProgress) -> Turn | None:
        quota = self._quota
        stalled = self._share.clock() - progress.since >= STALLED_AFTER * PART_LIMIT * quota.window / quota.limit
        return intake_turn(progress.shares, self._weight, is_out=progress.is_out, is_stalled=stalled)

    def _wait(self, progress: QueueProgress, until: float) -> None:
        self._is_waiting = True
        self._mark_waiting(progress)
        pause, now = (0.5 + self._share.jitter() / 2) * POLL_INTERVAL * self._quota.window, self._share.clock()
        if now + pause >= until:
            raise RetryLater(now + RETURN_DELAY * self._quota.window, SHARE)
        self._share.sleep(pause)

    def sent(self, users: int) -> None:
        """Count users who are requested now, and note whether the gate made them wait."""
        self._left -= users
        self._is_waiting = self._share.clock() - self._turned_at > QUICK_GRANT * self._quota.window

    def _mark_waiting(self, progress: QueueProgress | None) -> None:
        now = self._share.clock()
        if now - self._marked_at >= MARK_INTERVAL * self._quota.window:
            self._marked_at = now
            self._share.mark_waiting(self._workspace, progress, self._weight, now + MARK_LIFETIME * self._quota.window)

    def end(self) -> None:
        """Take back what is left, for which the gate had no room in time; the batch is done even if that fails."""
        if self._left <= 0:
            return
        try:
            self._share.take_back(self._workspace, self._left, self._weight)
            self._mark_waiting(None)
        except (ServiceError, BotoCoreError, ClientError) as error:
            logger.warning("charge not refunded", workspace=self._workspace, error=type(error).__name__)
        self._left = 0


def _standing(shares: Sequence[Share], out: int) -> str:
    """Write what moves while rosters are served: the virtual time, or with nothing more to feed what is out."""
    others = [one for one in shares if one.partner != INTAKE]
    waiting = turns(others)
    return f"ready {waiting[0].tag}" if waiting else f"out {out} {virtual_time(others)}"
