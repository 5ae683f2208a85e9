"""Parts served together: packed into full payloads, archived, and each completed or given back on its own."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from lookup.archive import Archive, Record
from lookup.errors import InvalidInput, LookupFault, Misconfigured, NotNow, VendorTrouble
from lookup.fetch import Fetch, Fetched
from lookup.ledger_parts import ATTEMPT_LIMIT, Arrived, LedgerParts, Standing
from lookup.lookup_model import Changed
from lookup.model import Clock, Counts, Identifier, Lane, Outcome, Part, Status, Terms

FIRST_WAIT = 10.0  # seconds before a part is tried again after the vendor's trouble; doubles with every attempt
OPERATOR_WAIT = 300.0  # seconds before a part is tried again when a setting or a secret must be mended first
# Of the time since a part was fed: the queue delivers a thousand times, and that must last for its fourteen days.
OPERATOR_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Work:
    """A part as it was delivered: `redelivered` when not for the first time."""

    part: Part
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What became of one part: its outcomes, or when to try again; a `reason` when it is to be laid aside."""

    part: Part
    outcomes: Sequence[Outcome] = ()
    retry_at: float | None = None
    reason: str | None = None


class Parts:
    """Serves parts. Every outcome is stored and archived before its part counts as complete."""

    def __init__(
        self,
        *,
        fetch: Fetch,
        archive: Archive,
        ledger: LedgerParts,
        tell_changed: Callable[[Changed], None],
        clock: Clock,
    ) -> None:
        """`tell_changed` is told of changed profiles before they count, and again when its caller dies in between."""
        self._tell_changed = tell_changed
        self._fetch = fetch
        self._archive = archive
        self._ledger = ledger
        self._clock = clock

    def serve(self, works: Iterable[Work], *, until: float) -> list[Completion]:
        """Look up what the parts hold, waiting for quota until `until` (epoch seconds) at most."""
        completions: list[Completion] = []
        for _, group in groupby(sorted(works, key=_kinship), key=_kinship):
            completions += self._serve_kin(list(group), until)
        return completions

    def _serve_kin(self, works: Sequence[Work], until: float) -> list[Completion]:
        standings = [self._standing(work) for work in works]
        by_standing = list(zip(works, standings, strict=True))
        done = [self._settled(work.part, standing) for work, standing in by_standing if standing.is_in]
        waiting = [(work, standing) for work, standing in by_standing if not standing.is_in]
        stopped = [work for work, standing in waiting if standing.is_cancelled]
        spent = [work for work, standing in waiting if not standing.is_cancelled and standing.attempts >= ATTEMPT_LIMIT]
        hopeful = [(work, standing) for work, standing in waiting if work not in stopped and work not in spent]
        try:
            completions = self._unasked(stopped, "cancelled") + self._unasked(spent, "no_answer")
            completions += self._looked_up(hopeful, until)
        except (InvalidInput, Misconfigured) as fault:
            completions = [_refused(work.part, str(fault)) for work, _ in waiting]
        self._keep([completion for completion in completions if completion.outcomes])
        return done + completions

    def _standing(self, work: Work) -> Standing:
        """Look up what may have happened before; a message's first delivery has no past."""
        return self._ledger.standing(work.part) if work.redelivered or work.part.origin else Standing()

    def _settled(self, part: Part, standing: Standing) -> Completion:
        """Say what is left to do for a part that is in: its first server may have died before it laid it aside."""
        self._ledger.settle(part)
        return Completion(part, reason=standing.laid_aside)

    def _unasked(self, works: Sequence[Work], reason: str) -> list[Completion]:
        """Answer from the store what an earlier attempt still settled; the rest failed."""
        if not works:
            return []
        fetched = self._fetch.stored_only(_wanted(works), _terms(works))
        laid_aside = reason if reason == "no_answer" else None
        return [
            Completion(work.part, _outcomes(work.part, fetched, otherwise=reason), reason=laid_aside) for work in works
        ]

    def _looked_up(self, works: Sequence[tuple[Work, Standing]], until: float) -> list[Completion]:
        if not works:
            return []
        counted: list[Part] = []

        def count_attempts() -> None:
            """Count once, when the vendor is about to be asked, what has been delivered before: it may crash us."""
            if not counted:
                counted.extend(work.part for work, _ in works if work.redelivered)
                self._count(counted, 1)

        asked = [work for work, _ in works]
        fetched = self._fetch.run(_wanted(asked), _terms(asked), until=until, before_sending=count_attempts)
        if isinstance(fetched.cause, VendorTrouble):
            self._count([work.part for work in asked if not work.redelivered], 1)
        else:
            self._count(counted, -1)
        return [self._completion(work.part, fetched, standing.attempts) for work, standing in works]

    def _count(self, parts: Iterable[Part], number: int) -> None:
        for part in parts:
            self._ledger.add_attempts(part, number)

    def _completion(self, part: Part, fetched: Fetched, attempts: int) -> Completion:
        if all(one in fetched.outcomes for one in part.identifiers):
            return Completion(part, _outcomes(part, fetched))
        return Completion(part, retry_at=self._retry_at(part, fetched.cause, attempts))

    def _retry_at(self, part: Part, cause: LookupFault | None, attempts: int) -> float:
        if isinstance(cause, NotNow):
            return cause.retry_at
        wait: float = FIRST_WAIT * 2**attempts
        if not isinstance(cause, VendorTrouble):
            wait = max(OPERATOR_WAIT, OPERATOR_SHARE * (self._clock() - part.fed_at))
        return self._clock() + random.uniform(0.5, 1.0) * wait  # noqa: S311 - jitter

    def _keep(self, done: Sequence[Completion]) -> None:
        """Archive what is complete, in one object for all that were served together; then count it."""
        if not done:
            return
        first = done[0].part
        key = self._archive.write(
            workspace=first.workspace,
            lookup_id=first.lookup_id,
            name=_name([completion.part for completion in done]),
            fed_at=min(completion.part.fed_at for completion in done),
            records=[
                Record(one.part.number, outcome, one.part.correlation_id) for one in done for outcome in one.outcomes
            ],
        )
        changed = Changed.of(first, key, [outcome for one in done for outcome in one.outcomes])
        if changed.changed:
            self._tell_changed(changed)
        self._ledger.arrive([Arrived(one.part, Counts.of(one.outcomes), key, one.reason) for one in done])


def _kinship(work: Work) -> tuple[str, str, tuple[str, ...]]:
    """Parts that may share a payload and a result object."""
    part = work.part
    return part.workspace, part.lookup_id, part.fields or ()


def _wanted(works: Iterable[Work]) -> dict[Identifier, float]:
    """Take the strictest freshness where several parts want the same identifier."""
    wanted: dict[Identifier, float] = {}
    for part in (work.part for work in works):
        for one in part.identifiers:
            wanted[one] = max(part.fresh_since, wanted.get(one, part.fresh_since))
    return wanted


def _terms(works: Sequence[Work]) -> Terms:
    first = works[0].part
    return Terms(workspace=first.workspace, lookup_id=first.lookup_id, lane=Lane.BULK, fields=first.fields)


def _outcomes(part: Part, fetched: Fetched, *, otherwise: str = "") -> list[Outcome]:
    settled = [fetched.outcomes.get(one, Outcome(one, Status.FAILED, otherwise)) for one in part.identifiers]
    return settled + [Outcome.of_invalid(invalid) for invalid in part.invalid]


def _refused(part: Part, reason: str) -> Completion:
    """Lay a part aside; one of a roster counts as failed too, because its lookup waits for it."""
    if part.origin is None:
        return Completion(part, reason=reason)
    return Completion(part, _outcomes(part, Fetched({}), otherwise="refused"), reason=reason)


def _name(parts: Sequence[Part]) -> str:
    """Name the object after its part, or after the fingerprint of its parts' numbers."""
    if len(parts) == 1:
        return parts[0].number
    numbers = "\n".join(sorted(part.number for part in parts))
    return hashlib.sha256(numbers.encode()).hexdigest()[:32]
