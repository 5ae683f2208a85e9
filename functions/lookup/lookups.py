"""Lookups over rosters, as a partner asks for them: submitted, seen, steered, and their results handed out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import uuid4

from lookup.daily_use import Use
from lookup.ending import Ending
from lookup.errors import Conflict, Missing
from lookup.estimates import Estimate, Waiting, backlog_of, estimate
from lookup.feeder import Feeder
from lookup.ledger import Ledger
from lookup.ledger_feed import LedgerFeed
from lookup.ledger_states import LedgerStates
from lookup.lookup_model import LookupSpec, LookupState, PartRecord, Progress, Roster, Tally
from lookup.model import Clock, Identifier, Invalid, Lane
from lookup.partners import Partner
from lookup.rosters import Rosters, key_of
from lookup.settings import Settings


class Action(StrEnum):
    """What a partner may do with a lookup of its own."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY_FAILED = "retry_failed"


@dataclass(frozen=True, slots=True)
class RosterOrder:
    """What to look up: a roster that was uploaded, or identifiers that came inline.

    `submitted_at` is when it was asked for, if not now. `lookup_id` is one that names this order and no other.
    """

    workspace: str
    roster_id: str | None = None
    entries: Sequence[Identifier | Invalid] = ()
    fields: tuple[str, ...] | None = None
    max_age: float = 0.0
    submitted_at: float | None = None
    lookup_id: str | None = None


class Lookups:
    """The use cases behind `/v1/lookups`. Every method raises what of the caller's does not fit, by name."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        states: LedgerStates,
        feed: LedgerFeed,
        feeder: Feeder,
        ending: Ending,
        rosters: Rosters,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._states = states
        self._feed = feed
        self._feeder = feeder
        self._ending = ending
        self._rosters = rosters
        self._settings = settings
        self._clock = clock

    def submit(
        self, partner: Partner, order: RosterOrder, charge: Callable[[int], Use | None]
    ) -> tuple[Progress, Estimate | None]:
        """Write the lookup down and feed its first parts, unless one of its id is there already.

        `charge` hears how many users it asks for, before it is written down; what it raises is raised.
        """
        lookup_id = order.lookup_id
        if lookup_id is None or self._ledger.progress(lookup_id) is None:
            lookup_id = self._write_down(partner, order, charge)
        self._feeder.feed(order.workspace)
        return self.one(partner, lookup_id)

    def _write_down(self, partner: Partner, order: RosterOrder, charge: Callable[[int], Use | None]) -> str:
        spec = self._spec(partner, order)
        users = _users(order, spec)
        use = charge(users)
        if not self._ledger.submit(replace(spec, charged=use.charge(users) if use else None)):
            charge(-users)
        return spec.lookup_id

    def would_take(self, partner: Partner, order: RosterOrder) -> Estimate:
        """Estimate a lookup without submitting it."""
        partner.require(Lane.BULK)
        spec = self._spec(partner, order)
        own = Waiting(spec.lookup_id, spec.partner, spec.weight, float(spec.roster.entries))
        return self._estimate(spec, [*backlog_of(self._ledger, spec.workspace), own])

    def _spec(self, partner: Partner, order: RosterOrder) -> LookupSpec:
        fields = partner.granted(order.workspace, order.fields, self._settings)
        lookup_id = order.lookup_id or f"lookup-{uuid4().hex}"
        return LookupSpec(
            lookup_id=lookup_id,
            workspace=order.workspace,
            partner=partner.name,
            submitted_at=self._clock() if order.submitted_at is None else order.submitted_at,
            roster=self._roster(partner, order, lookup_id),
            max_age=order.max_age,
            fields=fields,
            weight=partner.weight,
        )

    def _roster(self, partner: Partner, order: RosterOrder, lookup_id: str) -> Roster:
        if order.roster_id is None:
            return self._rosters.write(lookup_id, order.entries)
        return self._rosters.pin(key_of(partner.name, order.roster_id))

    def one(self, partner: Partner, lookup_id: str) -> tuple[Progress, Estimate | None]:
        """Give a lookup and, while it runs, when it will be done."""
        progress = self._seen(partner, lookup_id)
        if progress.finished_at is not None or progress.state is not LookupState.ACTIVE:
            return progress, None
        return progress, self._estimate(progress.spec, backlog_of(self._ledger, progress.spec.workspace))

    def page(self, partner: Partner, *, after: str, limit: int) -> tuple[list[Progress], str | None]:
        """Give a partner's lookups in granted workspaces, newest first, and the mark of the next page."""
        listed = self._ledger.of_partner(partner.name, after=after, limit=limit)
        found = self._ledger.progress_of([lookup_id for _, lookup_id in listed])
        seen = [progress for progress in found if progress.spec.workspace in partner.workspaces]
        return seen, (listed[-1][0] if len(listed) == limit else None)

    def standing(self, lookup_id: str) -> Tally:
        """Give the counts of a day of the intake queue, which is nobody's. Raises `Missing`."""
        tally = self._ledger.tally(lookup_id)
        if tally is None:
            raise Missing("there is no such lookup")
        return tally

    def change(self, partner: Partner, lookup_id: str, action: Action) -> Progress:
        """Pause, resume, cancel or retry. Raises `Conflict` when the lookup's state does not allow it.

        Raises `Forbidden` when more would be asked with fields that are not granted any more.
        """
        progress = self._seen(partner, lookup_id)
        if action in {Action.RESUME, Action.RETRY_FAILED}:
            partner.see(progress.spec.workspace, progress.spec.fields)
        if not self._changed(progress, action):
            raise Conflict(f"a lookup that is {progress.state.value} cannot be told to {action.value}")
        if action in {Action.RESUME, Action.RETRY_FAILED}:
            self._feeder.feed(progress.spec.workspace)
        self._ending.check(lookup_id)
        return self._seen(partner, lookup_id)

    def _changed(self, progress: Progress, action: Action) -> bool:
        match action:
            case Action.PAUSE:
                return self._states.pause(progress.spec)
            case Action.RESUME:
                return self._states.resume(progress.spec, progress.cursor)
            case Action.CANCEL:
                return self._states.cancel(progress.spec)
        if progress.state is LookupState.COMPLETED and not progress.tally.counts.failed:
            raise Conflict("nothing of this lookup has failed")
        return self._states.retry_failed(progress.spec, progress.cursor)

    def results(
        self, partner: Partner, lookup_id: str, *, after: str, limit: int
    ) -> tuple[list[PartRecord], str | None]:
        """Give the parts that are in, in order of number, and the number that the next page comes after.

        Raises `Forbidden` when they hold fields that are not granted any more.
        """
        spec = self._seen(partner, lookup_id).spec
        partner.see(spec.workspace, spec.fields)
        records = self._feed.records(lookup_id, after=after, limit=limit)
        page = [record for record in records if record.key]  # a part that was lost has no object
        return page, (records[-1].number if len(records) == limit else None)

    def backlog(self, workspace: str) -> float:
        """Tell how many users a workspace's lookups still wait for."""
        return sum(one.users for one in backlog_of(self._ledger, workspace))

    def _estimate(self, spec: LookupSpec, backlog: Sequence[Waiting]) -> Estimate:
        return estimate(spec.lookup_id, backlog, self._settings.workspace(spec.workspace).quota, self._clock())

    def _seen(self, partner: Partner, lookup_id: str) -> Progress:
        progress = self._ledger.progress(lookup_id)
        if progress is None or progress.spec.partner != partner.name:
            raise Missing("there is no such lookup")
        partner.enter(progress.spec.workspace)
        return progress


def _users(order: RosterOrder, spec: LookupSpec) -> int:
    """Count the users that an order asks for; of a long roster this is an estimate."""
    if order.roster_id is not None:
        return spec.roster.entries
    return sum(isinstance(entry, Identifier) for entry in order.entries)
