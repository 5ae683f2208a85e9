"""Serve a firing of EventBridge Scheduler: a roster refreshed as a lookup, once for each time it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lookup.bulk.feeder import Feeder
from lookup.bulk.submission import Submission
from lookup.errors import DailyLimitExceeded, Forbidden, LimitExceeded, NotExported
from lookup.ledger.lookups import LookupLedger
from lookup.model import LookupRequest
from lookup.partners import OPERATOR, Partner, operator
from lookup.results.events import RefusedFiring
from lookup.schedules.firing import Firing


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


class Firings:
    """Serves firings. `partner_named` returns a partner's grants as they are now, and raises `UnknownClient`.

    `publish_refused` sends the event of a firing that is refused.
    """

    def __init__(
        self,
        *,
        ledger: LookupLedger,
        submission: Submission,
        feeder: Feeder,
        partner_named: Callable[[str], Partner],
        publish_refused: Callable[[RefusedFiring], None],
    ) -> None:
        self._ledger = ledger
        self._submission = submission
        self._feeder = feeder
        self._partner_named = partner_named
        self._publish_refused = publish_refused

    def serve(self, firing: Firing) -> FiringResult:
        """Submit the firing's lookup, unless the schedule's last one still runs or its partner may not do it now.

        Raises `UnknownWorkspace`, and `InvalidInput` when the roster is missing or unreadable.
        """
        if self._ledger.get(firing.lookup_id) is None:
            running = self._running(firing)
            if running is not None:
                self._record_skipped(firing, f"{running} still runs")
                return FiringResult(firing.lookup_id, skipped_for=running)
            try:
                self._submit(firing)
            except (Forbidden, NotExported, DailyLimitExceeded, LimitExceeded) as refusal:
                # delivered again it would be refused again
                self._record_skipped(firing, refusal.sender_message)
                self._publish_refused(_refused(firing, str(refusal)))
                return FiringResult(firing.lookup_id, refused_because=refusal.sender_message, refused_by=str(refusal))
        self._feeder.feed(firing.workspace)
        return FiringResult(firing.lookup_id)

    def _record_skipped(self, firing: Firing, reason: str) -> None:
        self._ledger.record_firing(firing.schedule, {"skipped_at": firing.scheduled_at, "skipped_because": reason})

    def _running(self, firing: Firing) -> str | None:
        last = self._ledger.last_firing(firing.schedule).get("lookup_id")
        if last is None:
            return None
        record = self._ledger.get(str(last))
        return str(last) if record is not None and record.finished_at is None else None

    def _submit(self, firing: Firing) -> None:
        if firing.partner == OPERATOR:
            partner = operator(firing.workspace, firing.weight)
        else:
            partner = self._partner_named(firing.partner)
        if self._submission.create(partner, _request(firing)):
            self._ledger.record_firing(firing.schedule, {"lookup_id": firing.lookup_id})


def _refused(firing: Firing, rule: str) -> RefusedFiring:
    """Return what is published of a firing that is refused: the rule, without the partner's words."""
    return RefusedFiring(
        lookup_id=firing.lookup_id,
        schedule=firing.schedule,
        workspace=firing.workspace,
        partner=firing.partner,
        due_at=firing.scheduled_at,
        reason=rule,
    )


def _request(firing: Firing) -> LookupRequest:
    return LookupRequest(
        firing.workspace,
        firing.roster,
        fields=firing.fields,
        max_age=firing.max_age,
        submitted_at=firing.scheduled_at,
        lookup_id=firing.lookup_id,
    )
