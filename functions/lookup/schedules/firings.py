"""What becomes of a firing of EventBridge Scheduler: a roster refreshed as a lookup, once for each time it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from botocore.exceptions import BotoCoreError, ClientError

from lookup.bulk.conversion.conversions import ConversionRequests
from lookup.bulk.feeder import Feeder
from lookup.errors import DailyLimitExceeded, Forbidden, LimitExceeded, NotExported, ServiceError
from lookup.fetch.authorization import Authorization
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupSpec
from lookup.model import Lane
from lookup.partners import Partner
from lookup.rosters.store import RosterStore
from lookup.schedules.firing import OPERATOR, Firing
from lookup.schedules.reopening import Reopening
from lookup.schedules.sweep import Sweep
from lookup.settings import Settings
from lookup.telemetry import logger


@dataclass(frozen=True, slots=True)
class FiringResult:
    """What a firing led to: a lookup, new or the one of an earlier delivery; or none.

    It is skipped for the lookup that still runs, or refused because its partner's grants do not allow it (any more).
    `refused_because` is for the partner and may hold its words; `refused_by` is the rule alone.
    """

    lookup_id: str
    skipped_for: str | None = None
    refused_because: str | None = None
    refused_by: str | None = field(default=None, compare=False)


class Schedules:
    """Serves firings. `partner_named` gives a partner's grants as they are now, and raises `UnknownClient`."""

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        rosters: RosterStore,
        feeder: Feeder,
        conversions: ConversionRequests,
        sweep: Sweep,
        reopening: Reopening,
        partner_named: Callable[[str], Partner],
        authorization: Authorization,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._rosters = rosters
        self._feeder = feeder
        self._conversions = conversions
        self._sweep = sweep
        self._reopening = reopening
        self._partner_named = partner_named
        self._authorization = authorization
        self._settings = settings

    def fire(self, firing: Firing) -> FiringResult:
        """Submit the firing's lookup, unless the schedule's last one still runs or its partner may not ask for it now.

        Raises `UnknownWorkspace`, and `InvalidInput` when the roster is missing or unreadable.
        """
        if self._ledger.progress(firing.lookup_id) is None:
            running = self._running(firing)
            if running is not None:
                self._skip(firing, f"{running} still runs")
                return FiringResult(firing.lookup_id, skipped_for=running)
            try:
                self._submit(firing)
            except (
                Forbidden,
                NotExported,
                DailyLimitExceeded,
                LimitExceeded,
            ) as refusal:  # delivered again it would be refused again
                self._skip(firing, refusal.sender_message)
                return FiringResult(firing.lookup_id, refused_because=refusal.sender_message, refused_by=str(refusal))
        self._feeder.feed(firing.workspace)
        return FiringResult(firing.lookup_id)

    def _skip(self, firing: Firing, because: str) -> None:
        self._ledger.note_firing(firing.schedule, {"skipped_at": firing.scheduled_at, "skipped_because": because})

    def _running(self, firing: Firing) -> str | None:
        last = self._ledger.last_firing(firing.schedule).get("lookup_id")
        if last is None:
            return None
        progress = self._ledger.progress(str(last))
        return str(last) if progress is not None and progress.finished_at is None else None

    def _submit(self, firing: Firing) -> None:
        """Write the lookup down, charged to its partner.

        Raises `Forbidden`, `NotExported`, `DailyLimitExceeded` and `LimitExceeded`.
        """
        if firing.partner == OPERATOR:
            self._settings.workspace(firing.workspace)
            is_new = self._conversions.submit(self._spec(firing, firing.fields, firing.weight))
        else:
            is_new = self._submit_for(self._partner_named(firing.partner), firing)
        if is_new:
            self._ledger.note_firing(firing.schedule, {"lookup_id": firing.lookup_id})

    def _submit_for(self, partner: Partner, firing: Firing) -> bool:
        fields = self._authorization.fields(partner, firing.workspace, firing.fields, Lane.BULK)
        spec = self._spec(firing, fields, partner.weight, count_to=partner.users_per_day)
        reserved = self._authorization.users(partner, spec.roster.least)
        most = self._settings.lookups_per_partner
        return self._conversions.submit(replace(spec, charged=reserved.charge), reserved.reservations, most=most)

    def _spec(
        self, firing: Firing, fields: tuple[str, ...] | None, weight: int, *, count_to: int | None = None
    ) -> LookupSpec:
        return LookupSpec(
            lookup_id=firing.lookup_id,
            workspace=firing.workspace,
            partner=firing.partner,
            submitted_at=firing.scheduled_at,
            roster=self._rosters.pin(firing.roster, count_to=count_to),
            max_age=firing.max_age,
            fields=fields,
            weight=weight,
        )

    def tick(self) -> int:
        """Tend every workspace; give how many identifiers went on the queue.

        One workspace's trouble is no other's: the first fault is raised when all have had their turn.
        """
        fed, faults = 0, list[Exception]()
        for workspace in self._settings.workspaces:
            try:
                fed += self._tended(workspace)
            except (ServiceError, BotoCoreError, ClientError) as fault:
                logger.error("workspace not tended", workspace=workspace, error=type(fault).__name__)
                faults.append(fault)
        self._conversions.ask_again()
        if faults:
            raise faults[0]
        return fed

    def _tended(self, workspace: str) -> int:
        """Do again what was left undone, and feed."""
        self._reopening.look(workspace)
        self._sweep.run(workspace)
        return self._feeder.feed(workspace)
