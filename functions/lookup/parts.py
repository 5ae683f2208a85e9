"""Parts served together: packed into full payloads, archived, and each completed or given back on its own."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lookup.archive import Archive, Record
from lookup.errors import InvalidInput, LookupFault, Misconfigured, NotNow, VendorTrouble
from lookup.fetch import Fetch, Fetched
from lookup.ledger_parts import ATTEMPT_LIMIT, LedgerParts
from lookup.model import Clock, Identifier, Lane, Outcome, Part, Status, Terms

FIRST_WAIT = 10.0  # seconds before a part is tried again after the vendor's trouble; doubles with every attempt
OPERATOR_WAIT = 300.0  # seconds before a part is tried again when a setting or a secret must be mended first


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
    """Serves parts. Every outcome is archived before its part counts as complete."""

    def __init__(self, *, fetch: Fetch, archive: Archive, ledger: LedgerParts, clock: Clock) -> None:
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
        attempts = {work.part.number: self._ledger.standing(work.part).attempts for work in works if work.redelivered}
        spent = [work for work in works if attempts.get(work.part.number, 0) >= ATTEMPT_LIMIT]
        hopeful = [work for work in works if work not in spent]
        try:
            completions = self._given_up(spent) + self._looked_up(hopeful, attempts, until)
        except (InvalidInput, Misconfigured) as fault:
            return [Completion(work.part, reason=str(fault)) for work in works]
        self._keep(completions)
        return completions

    def _given_up(self, works: Sequence[Work]) -> list[Completion]:
        """Answer from the store what an earlier attempt still settled; the rest failed."""
        if not works:
            return []
        fetched = self._fetch.stored_only(_wanted(works), _terms(works))
        return [
            Completion(work.part, _outcomes(work.part, fetched, otherwise="no_answer"), reason="no_answer")
            for work in works
        ]

    def _looked_up(self, works: Sequence[Work], attempts: Mapping[str, int], until: float) -> list[Completion]:
        if not works:
            return []
        counted: list[Part] = []

        def count_attempts() -> None:
            """Count once, when the vendor is about to be asked, what has been delivered before: it may crash us."""
            if not counted:
                counted.extend(work.part for work in works if work.redelivered)
                self._count(counted, 1)

        fetched = self._fetch.run(_wanted(works), _terms(works), until=until, before_sending=count_attempts)
        if isinstance(fetched.cause, VendorTrouble):
            self._count([work.part for work in works if not work.redelivered], 1)
        else:
            self._count(counted, -1)
        return [self._completion(work.part, fetched, attempts.get(work.part.number, 0)) for work in works]

    def _count(self, parts: Iterable[Part], number: int) -> None:
        for part in parts:
            self._ledger.add_attempts(part, number)

    def _completion(self, part: Part, fetched: Fetched, attempts: int) -> Completion:
        if all(one in fetched.outcomes for one in part.identifiers):
            return Completion(part, _outcomes(part, fetched))
        return Completion(part, retry_at=self._retry_at(fetched.cause, attempts))

    def _retry_at(self, cause: LookupFault | None, attempts: int) -> float:
        if isinstance(cause, NotNow):
            return cause.retry_at
        wait = FIRST_WAIT * 2**attempts if isinstance(cause, VendorTrouble) else OPERATOR_WAIT
        return self._clock() + random.uniform(0.5, 1.0) * wait  # noqa: S311 - jitter

    def _keep(self, completions: Sequence[Completion]) -> None:
        """Archive what is complete: one object for all parts that were served together."""
        done = [completion for completion in completions if completion.outcomes]
        if not done:
            return
        first = done[0].part
        records = [Record(c.part.number, outcome, c.part.correlation_id) for c in done for outcome in c.outcomes]
        self._archive.write(
            workspace=first.workspace,
            lookup_id=first.lookup_id,
            name=_name([completion.part for completion in done]),
            fed_at=min(completion.part.fed_at for completion in done),
            records=records,
        )


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


def _name(parts: Sequence[Part]) -> str:
    """Name the object after its part, or after the fingerprint of its parts' numbers."""
    if len(parts) == 1:
        return parts[0].number
    numbers = "\n".join(sorted(part.number for part in parts))
    return hashlib.sha256(numbers.encode()).hexdigest()[:32]
