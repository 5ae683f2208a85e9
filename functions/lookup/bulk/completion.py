"""The end of a lookup: exactly one caller marks it, and one event leaves."""

from __future__ import annotations

from collections.abc import Callable

from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.ledger.transitions import Transitions
from lookup.model import Clock
from lookup.telemetry import logger

PUBLISH_GRACE = 60.0  # seconds that whoever finished a lookup has for publishing its event
Publish = Callable[[LookupRecord], None]


class LookupCompletion:
    """Ends lookups. `publish` sends the event; when it raises, or its caller dies, a later check publishes again."""

    def __init__(self, *, ledger: LookupLedger, states: Transitions, publish: Publish, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._states = states
        self._publish = publish

    def finish_if_done(self, lookup_id: str) -> bool:
        """End a lookup if all of it is counted; True for the one caller that ended it."""
        record = self._ledger.get(lookup_id)
        if record is None or not record.is_fully_counted or record.finished_at is not None:
            return False
        if not self._states.finish(record):
            return False
        self._publish_and_retire(lookup_id)
        return True

    def abort(self, record: LookupRecord, reason: str) -> None:
        """Cancel a lookup that cannot be fed any more, for a reason; parts in flight are waited for."""
        if self._states.cancel(record.spec, reason=reason):
            logger.error("lookup aborted", lookup_id=record.spec.lookup_id, reason=reason, runbook="Stuck lookup")
        self.finish_if_done(record.spec.lookup_id)

    def republish(self, record: LookupRecord) -> None:
        """Publish the event of a lookup whose finisher seems to have died before it did."""
        finished_at = record.finished_at
        if finished_at is not None and finished_at <= self._clock() - PUBLISH_GRACE:
            self._publish_and_retire(record.spec.lookup_id)

    def _publish_and_retire(self, lookup_id: str) -> None:
        record = self._ledger.get(lookup_id)
        if record is not None and record.finished_at is not None:
            self._publish(record)
            self._states.deactivate(record)
