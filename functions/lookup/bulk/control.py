"""Lookups over rosters as their partner sees and controls them, and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from lookup.bulk.completion import LookupCompletion
from lookup.bulk.estimates import Estimate, Estimates
from lookup.bulk.feeder import Feeder
from lookup.errors import Conflict, Expired, NotFound
from lookup.fetch.authorization import Authorization
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import CompletedParts, LookupRecord, LookupState, RecordedPart
from lookup.ledger.transitions import Transitions
from lookup.model import Clock
from lookup.partners import Partner


class Action(StrEnum):
    """What a partner may do with a lookup of its own."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY_FAILED = "retry_failed"


class LookupControl:
    """The use cases behind `/v1/lookups`. Every method raises what of the caller's does not fit, by name."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        states: Transitions,
        feed: FeedingLedger,
        feeder: Feeder,
        ending: LookupCompletion,
        estimates: Estimates,
        authorization: Authorization,
        clock: Clock,
        most: int | None = None,
    ) -> None:
        """`most` lookups of a partner may be unfinished at once; None is as many as it likes."""
        self._ledger = ledger
        self._states = states
        self._feed = feed
        self._feeder = feeder
        self._ending = ending
        self._estimates = estimates
        self._authorization = authorization
        self._clock = clock
        self._most = most

    def get(self, partner: Partner, lookup_id: str) -> tuple[LookupRecord, Estimate | None]:
        """Return a lookup and, while it runs, when it will be done."""
        progress = self._owned(partner, lookup_id)
        return progress, self._estimates.of_running([progress]).get(lookup_id)

    def page(
        self, partner: Partner, *, state: LookupState | None = None, after: str, limit: int
    ) -> tuple[list[LookupRecord], str | None]:
        """Return a partner's lookups in granted workspaces, newest first, and the cursor of the next page.

        Those of one `state` are looked for among 500 at most: a page may be short and have a next one.
        """

        def read(mark: str, most: int) -> list[tuple[str, str]]:
            return self._ledger.of_partner(partner.name, after=mark, limit=most)

        found, mark = self._ledger.page(read, state=state, after=after, limit=limit)
        return [progress for progress in found if progress.spec.workspace in partner.workspaces], mark

    def estimates_of(self, lookups: Sequence[LookupRecord]) -> Mapping[str, Estimate]:
        """Return of those that run when they will be done, by id."""
        return self._estimates.of_running(lookups)

    def intake_day(self, lookup_id: str) -> CompletedParts:
        """Return the counts of a day of the intake queue, which is nobody's. Raises `NotFound`."""
        tally = self._ledger.tally(lookup_id)
        if tally is None:
            raise NotFound("there is no such lookup")
        return tally

    def change(self, partner: Partner, lookup_id: str, action: Action) -> LookupRecord:
        """Pause, resume, cancel or retry. Raises `Conflict` when the lookup's state does not allow it.

        To resume or retry charges users: raises what `Authorization` does. Raises `Expired` when it is too late for a
        retry.
        """
        progress = self._owned(partner, lookup_id)
        if not self._changed(partner, progress, action):
            raise Conflict(f"a lookup that is {progress.state.value} cannot be told to {action.value}")
        if action in {Action.RESUME, Action.RETRY_FAILED}:
            self._feeder.try_feed(progress.spec.workspace, lookup_id)
        self._ending.finish_if_done(lookup_id)
        return self._owned(partner, lookup_id)

    def _changed(self, partner: Partner, progress: LookupRecord, action: Action) -> bool:
        match action:
            case Action.PAUSE:
                return self._states.pause(progress.spec)
            case Action.RESUME:
                reserved = self._authorization.reserve_resumed(partner, progress)
                return self._states.resume(progress.spec, progress.cursor, reserved)
            case Action.CANCEL:
                return self._states.cancel(progress.spec)
        return self._retried(partner, progress)

    def _retried(self, partner: Partner, progress: LookupRecord) -> bool:
        if progress.state is LookupState.COMPLETED and progress.has_expired_parts(self._clock()):
            raise Expired("the parts of this lookup are deleted: look up anew what failed")
        reserved = self._authorization.reserve_retry(partner, progress)
        if progress.state is LookupState.COMPLETED and not progress.tally.counts.failed:
            raise Conflict("nothing of this lookup has failed")
        return self._states.retry_failed(progress.spec, progress.cursor, reserved, most=self._most)

    def readable(self, partner: Partner, lookup_id: str) -> LookupRecord:
        """Return a lookup whose results its partner may read. Raises `Forbidden` as `results` does."""
        progress = self._owned(partner, lookup_id)
        partner.check_visible(progress.spec.workspace, progress.spec.fields)
        return progress

    def results(
        self, partner: Partner, lookup_id: str, *, after: str, limit: int
    ) -> tuple[list[RecordedPart], str | None]:
        """Return the parts that are counted, in order of number, and the number that the next page comes after.

        Raises `Forbidden` when they hold fields that are not granted any more, and `Expired` when they are deleted.
        """
        if self.readable(partner, lookup_id).has_expired_parts(self._clock()):
            raise Expired("the parts of this lookup are deleted: its files hold what they held")
        records = self._feed.records(lookup_id, after=after, limit=limit)
        page = [record for record in records if record.key]  # a part that was lost has no object
        return page, (records[-1].number if len(records) == limit else None)

    def _owned(self, partner: Partner, lookup_id: str) -> LookupRecord:
        progress = self._ledger.get(lookup_id)
        if progress is None or progress.spec.partner != partner.name:
            raise NotFound("there is no such lookup")
        partner.check_workspace(progress.spec.workspace)
        return progress
