"""Parts served together: packed into full payloads, archived, and each completed or given back on its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from lookup.aws.errors import is_transient
from lookup.bulk.intake_share import IntakeShare
from lookup.bulk.recording import REFUSED, Completion, CompletionRecorder, unanswered
from lookup.errors import AwsUnavailable, InvalidInput, Misconfigured, RetryLater, ServiceError, VendorUnavailable
from lookup.fetch.calls import OUT_OF_TIME
from lookup.fetch.fetcher import Fetched, Fetcher
from lookup.ledger.parts import ATTEMPT_LIMIT, NO_ANSWER, PartLedger, PartStatus
from lookup.model import Clock, FetchOptions, Identifier, Lane, Outcome, Part, Status

FIRST_WAIT = 10.0  # seconds before a part is tried again after the vendor's trouble; doubles with every attempt
OPERATOR_WAIT = 300.0  # seconds before a part is tried again when a setting or a secret must be mended first
# Of the time since a part was fed, when no attempts end the waiting: the queue delivers a thousand times, and that must
# last for its fourteen days.
WAITED_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class DeliveredPart:
    """A part as it was delivered: `redelivered` when not for the first time."""

    part: Part
    redelivered: bool = False


class PartProcessor:
    """Serves parts. Every outcome is stored and archived before its part counts as complete."""

    def __init__(
        self,
        *,
        fetch: Fetcher,
        keeping: CompletionRecorder,
        ledger: PartLedger,
        intake: IntakeShare,
        clock: Clock,
    ) -> None:
        self._fetch = fetch
        self._keeping = keeping
        self._ledger = ledger
        self._intake = intake
        self._clock = clock

    def serve(self, works: Iterable[DeliveredPart], *, until: float) -> list[Completion]:
        """Look up what the parts hold, waiting for quota until `until` (epoch seconds) at most.

        Of several workspaces each waits for its share of the time: a busy one leaves the next ones theirs.
        """
        kin = [list(group) for _, group in groupby(sorted(works, key=_kinship), key=_kinship)]
        of_workspace = [list(group) for _, group in groupby(kin, key=lambda group: group[0].part.workspace)]
        completions: list[Completion] = []
        for left, groups in zip(range(len(of_workspace), 0, -1), of_workspace, strict=True):
            now = self._clock()
            share = now + (until - now) / left
            for group in groups:
                completions += self._serve_kin(group, share)
        return completions

    def _serve_kin(self, works: Sequence[DeliveredPart], until: float) -> list[Completion]:
        standings = [self._standing(work) for work in works]
        by_standing = list(zip(works, standings, strict=True))
        done = [self._settled(work.part, standing) for work, standing in by_standing if standing.is_in]
        waiting = [(work, standing) for work, standing in by_standing if not standing.is_in]
        stopped = [work for work, standing in waiting if standing.is_cancelled]
        spent = [work for work, standing in waiting if not standing.is_cancelled and standing.attempts >= ATTEMPT_LIMIT]
        hopeful = [(work, standing) for work, standing in waiting if work not in stopped and work not in spent]
        try:
            learned = {work.part.name: standing for work, standing in waiting}
            completions = self._unasked(stopped, "cancelled", learned) + self._unasked(spent, NO_ANSWER, learned)
            completions += self._looked_up(hopeful, until)
        except (InvalidInput, Misconfigured) as fault:
            completions = [_refused(work.part, str(fault)) for work, _ in waiting]
        return done + self._keeping.keep(completions)

    def _standing(self, work: DeliveredPart) -> PartStatus:
        """Look up what may have happened before; a message's first delivery has no past."""
        return self._ledger.standing(work.part) if work.redelivered or work.part.origin else PartStatus()

    def _settled(self, part: Part, standing: PartStatus) -> Completion:
        """Say what is left to do for a part that is in: its first server may have died before it laid it aside."""
        self._ledger.settle(part)
        return Completion(part, reason=standing.laid_aside)

    def _unasked(
        self, works: Sequence[DeliveredPart], reason: str, learned: Mapping[str, PartStatus]
    ) -> list[Completion]:
        """Answer what an earlier attempt still settled, from the store or as it is remembered; the rest failed."""
        if not works:
            return []
        fetched = self._fetch.stored_only(_wanted(works), _terms(works))
        known = _known((work.part, learned[work.part.name]) for work in works)
        fetched = replace(fetched, outcomes=known | dict(fetched.outcomes))
        ends = [(work.part, _outcomes(work.part, fetched, otherwise=reason)) for work in works]
        return [Completion(part, outcomes, reason=unanswered(outcomes)) for part, outcomes in ends]

    def _looked_up(self, works: Sequence[tuple[DeliveredPart, PartStatus]], until: float) -> list[Completion]:
        if not works:
            return []
        counted: list[Part] = []
        sent: set[Identifier] = set()
        repeats: list[int] = []

        def count_attempts(payload: Sequence[Identifier]) -> None:
            """Count once, when the vendor is about to be asked, what has been delivered before: it may crash us."""
            repeats.append(sum(one in sent for one in payload))
            sent.update(payload)
            if not counted:
                again = [work.part for work, _ in works if work.redelivered]
                self._ledger.add_attempts(again, 1)
                counted.extend(again)

        asked = [work for work, _ in works]
        parts = [(work.part, standing) for work, standing in works]
        try:
            fetched = self._fetched(works, until, count_attempts)
        except Exception as error:
            # MoEngage did answer: that AWS does not take the answer now is no failure. Another error is one of the
            # parts that had a user in a call: what breaks us may be among them, and nowhere else.
            spared = counted if is_transient(error) else [part for part in counted if sent.isdisjoint(part.identifiers)]
            self._ledger.add_attempts(spared, -1)
            raise
        finally:
            self._charge_repeats(works[0][0].part, sum(repeats))
        vain = _in_vain(fetched, sent)
        tried = [work.part for work in asked if not vain.isdisjoint(work.part.identifiers)]
        self._ledger.add_attempts([part for part in tried if part not in counted], 1)
        self._ledger.add_attempts([part for part in counted if part not in tried], -1)
        completions = [self._completion(work.part, fetched, standing.attempts) for work, standing in works]
        for (part, standing), completion in zip(parts, completions, strict=True):
            if completion.retry_at is not None:
                self._remember(part, standing, fetched)
        return completions

    def _charge_repeats(self, part: Part, users: int) -> None:
        """Charge a lookup's partner for those asked for more than once: by whom they had to be, the quota was spent.

        The intake queue's share is charged with every call.
        """
        if users and part.origin is not None:
            self._ledger.charge_repeats(part.lookup_id, users)

    def _remember(self, part: Part, standing: PartStatus, fetched: Fetched) -> None:
        """Note who failed already and who is doubted, so that the next delivery does not ask for them anew."""
        at = list(enumerate(part.identifiers))
        outcomes = [(place, fetched.outcomes.get(one)) for place, one in at]
        failed = {place: one.reason or "" for place, one in outcomes if one and one.status is Status.FAILED}
        doubted = {place: fetched.in_vain.get(one, 0) for place, one in at if one in fetched.doubted}
        if (failed, doubted) != (standing.failed, standing.doubted):
            self._ledger.remember(part, failed=failed, doubted=doubted)

    def _fetched(
        self,
        works: Sequence[tuple[DeliveredPart, PartStatus]],
        until: float,
        before_sending: Callable[[Sequence[Identifier]], None],
    ) -> Fetched:
        """Fetch what earlier deliveries did not learn already.

        The intake queue's messages in their turn among the partners' rosters, which are fed in theirs.
        """
        asked, parts = [work for work, _ in works], [(work.part, standing) for work, standing in works]
        known, doubted, terms = _known(parts), _doubted(parts), _terms(asked)
        wanted = {one: since for one, since in _wanted(asked).items() if one not in known}
        if parts[0][0].origin is not None:
            fetched = self._fetch.run(wanted, terms, until=until, before_sending=before_sending, doubted=doubted)
            return replace(fetched, outcomes=known | dict(fetched.outcomes))
        with self._intake.turns(terms.workspace) as turns:

            def charge(payload: Sequence[Identifier]) -> None:
                before_sending(payload)
                turns.sent(len(payload))

            fetched = self._fetch.run(
                wanted, terms, until=until, before_sending=charge, turn=turns.turn, doubted=doubted
            )
        return replace(fetched, outcomes=known | dict(fetched.outcomes))

    def _completion(self, part: Part, fetched: Fetched, attempts: int) -> Completion:
        if all(one in fetched.outcomes for one in part.identifiers):
            return Completion(part, _outcomes(part, fetched))
        return Completion(part, retry_at=self._retry_at(part, fetched.cause, attempts))

    def _retry_at(self, part: Part, cause: ServiceError | None, attempts: int) -> float:
        if isinstance(cause, RetryLater):
            return cause.retry_at
        wait: float = (
            FIRST_WAIT * 2**attempts if isinstance(cause, VendorUnavailable | AwsUnavailable) else OPERATOR_WAIT
        )
        if not isinstance(cause, VendorUnavailable):
            wait = max(wait, WAITED_SHARE * (self._clock() - part.fed_at))
        return self._clock() + random.uniform(0.5, 1.0) * wait  # noqa: S311 - jitter


def _kinship(work: DeliveredPart) -> tuple[str, str, tuple[str, ...]]:
    """Parts that may share a payload and a result object."""
    part = work.part
    return part.workspace, part.lookup_id, part.fields or ()


def _in_vain(fetched: Fetched, sent: set[Identifier]) -> frozenset[Identifier]:
    """Give those that MoEngage was asked for in vain: by its trouble, or by what a part holds.

    Who is searched for when the time ends has had an attempt, or would come back for ever; not so when the quota ends.
    """
    if isinstance(fetched.cause, VendorUnavailable):
        return frozenset(sent)
    is_late = isinstance(fetched.cause, RetryLater) and fetched.cause.reason == OUT_OF_TIME
    return fetched.doubted if is_late else frozenset()


def _wanted(works: Iterable[DeliveredPart]) -> dict[Identifier, float]:
    """Take the strictest freshness where several parts want the same identifier."""
    wanted: dict[Identifier, float] = {}
    for part in (work.part for work in works):
        for one in part.identifiers:
            wanted[one] = max(part.fresh_since, wanted.get(one, part.fresh_since))
    return wanted


def _known(parts: Iterable[tuple[Part, PartStatus]]) -> dict[Identifier, Outcome]:
    """Return what earlier deliveries learned of identifiers that cannot be answered."""
    return {
        part.identifiers[place]: Outcome(part.identifiers[place], Status.FAILED, reason)
        for part, standing in parts
        for place, reason in standing.failed.items()
    }


def _doubted(parts: Iterable[tuple[Part, PartStatus]]) -> dict[Identifier, int]:
    """Return among whom earlier deliveries searched, with the calls for each alone that met trouble."""
    doubted: dict[Identifier, int] = {}
    for part, standing in parts:
        for place, times in standing.doubted.items():
            one = part.identifiers[place]
            doubted[one] = max(times, doubted.get(one, 0))
    return doubted


def _terms(works: Sequence[DeliveredPart]) -> FetchOptions:
    first = works[0].part
    return FetchOptions(workspace=first.workspace, lookup_id=first.lookup_id, lane=Lane.BULK, fields=first.fields)


def _outcomes(part: Part, fetched: Fetched, *, otherwise: str = "") -> list[Outcome]:
    settled = [fetched.outcomes.get(one, Outcome(one, Status.FAILED, otherwise)) for one in part.identifiers]
    return settled + [Outcome.of_invalid(invalid) for invalid in part.invalid]


def _refused(part: Part, reason: str) -> Completion:
    """Lay a part aside; one of a roster counts as failed too, because its lookup waits for it."""
    if part.origin is None:
        return Completion(part, reason=reason)
    return Completion(part, _outcomes(part, Fetched({}), otherwise=REFUSED), reason=reason)
