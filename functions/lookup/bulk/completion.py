"""The end of a lookup: exactly one caller marks it, and one event leaves."""

from __future__ import annotations

from collections.abc import Callable

from lookup.ledger.lookups import LookupLedger
from lookup.ledger.model import LookupRecord
from lookup.ledger.transitions import Transitions
from lookup.model import Clock
from lookup.telemetry import logger

TELLING = 60.0  # seconds that the one who marked a lookup has for telling
Tell = Callable[[LookupRecord], None]


class LookupCompletion:
    """Ends lookups. `tell` sends the event; when it raises, or its caller dies, a later check tells again."""

    def __init__(self, *, ledger: LookupLedger, states: Transitions, tell: Tell, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._states = states
        self._tell = tell

    def check(self, lookup_id: str) -> bool:
        """End a lookup if all of it is in; True for the one caller that ended it."""
        progress = self._ledger.progress(lookup_id)
        if progress is None or not progress.is_in or progress.finished_at is not None:
            return False
        if not self._states.finish(progress):
            return False
        self._tell_and_retire(lookup_id)
        return True

    def give_up(self, progress: LookupRecord, because: str) -> None:
        """Cancel a lookup that cannot be fed any more, and say why; what is out is waited for."""
        if self._states.cancel(progress.spec, because=because):
            logger.error("lookup given up", lookup_id=progress.spec.lookup_id, reason=because, runbook="Stuck lookup")
        self.check(progress.spec.lookup_id)

    def tell_again(self, progress: LookupRecord) -> None:
        """Tell of a lookup that somebody marked who seems to have died before telling."""
        ended = progress.finished_at
        if ended is not None and ended <= self._clock() - TELLING:
            self._tell_and_retire(progress.spec.lookup_id)

    def _tell_and_retire(self, lookup_id: str) -> None:
        progress = self._ledger.progress(lookup_id)
        if progress is not None and progress.finished_at is not None:
            self._tell(progress)
            self._states.retire(progress)
