"""Parts processed together: packed into full payloads, and each recorded or to be retried on its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from lookup.aws.errors import is_transient
from lookup.bulk.intake.share import IntakeShare
from lookup.bulk.recording import REFUSED, CompletionRecorder, Retry, unanswered
from lookup.errors import (
    OPERATOR_WAIT,
    AwsUnavailable,
    InvalidInput,
    Misconfigured,
    RetryLater,
    ServiceError,
    VendorUnavailable,
)
from lookup.fetch.calls import OUT_OF_TIME
from lookup.fetch.fetcher import Fetched, Fetcher
from lookup.ledger.parts import ATTEMPT_LIMIT, NO_ANSWER, Counted, DeliveredPart, PartLedger
from lookup.model import Clock, Identifier, LookupRequest, Outcome, Part, Status

FIRST_WAIT = 10.0  # seconds before a part is tried again after vendor errors; doubles with every attempt
# Of the time since a part was fed, when no attempts end the waiting: the queue delivers a thousand times, and that must
# last for its fourteen days.
WAITED_SHARE = 0.1


class PartProcessor:
    """Processes parts. Every outcome is stored and archived before its part counts as complete."""

    def __init__(
        self, *, fetch: Fetcher, recorder: CompletionRecorder, parts: PartLedger, intake: IntakeShare, clock: Clock
    ) -> None:
        self._fetch = fetch
        self._recorder = recorder
        self._parts = parts
        self._intake = intake
        self._clock = clock

    def process(self, delivered: Iterable[DeliveredPart], *, until: float) -> list[Counted | Retry]:
        """Look up what the parts hold, waiting for quota until `until` (epoch seconds) at most.

        Of several workspaces each waits for its share of the time: a busy one leaves the next ones theirs.
        """
        groups = [list(group) for _, group in groupby(sorted(delivered, key=_group_key), key=_group_key)]
        of_workspace = [list(group) for _, group in groupby(groups, key=lambda group: group[0].part.workspace)]
        completions: list[Counted | Retry] = []
        for left, own in zip(range(len(of_workspace), 0, -1), of_workspace, strict=True):
            now = self._clock()
            share = now + (until - now) / left
            for group in own:
                completions += self._process_group(group, share)
        return completions

    def _process_group(self, group: Sequence[DeliveredPart], until: float) -> list[Counted | Retry]:
        known = [self._with_status(one) for one in group]
        done = [self._recorded_before(one) for one in known if one.is_counted]
        waiting = [one for one in known if not one.is_counted]
        cancelled = [one for one in waiting if one.is_cancelled]
        out_of_attempts = [one for one in waiting if not one.is_cancelled and one.attempts >= ATTEMPT_LIMIT]
        to_fetch = [one for one in waiting if not one.is_cancelled and one.attempts < ATTEMPT_LIMIT]
        completions: list[Counted | Retry]
        try:
            completions = [*self._from_store(cancelled, "cancelled"), *self._from_store(out_of_attempts, NO_ANSWER)]
            completions += self._fetch_missing(to_fetch, until)
        except (InvalidInput, Misconfigured) as error:
            completions = [_refused(one.part, str(error)) for one in waiting]
        return [*done, *self._recorder.record(completions)]

    def _with_status(self, one: DeliveredPart) -> DeliveredPart:
        """Read what may have happened before; a message's first delivery has no past."""
        if not one.redelivered and one.part.origin is None:
            return one
        return self._parts.status_of(one.part, redelivered=one.redelivered)

    def _recorded_before(self, one: DeliveredPart) -> Counted:
        """Return what is left to do for a counted part: its first worker may have died before it dead-lettered it."""
        self._parts.clear_in_flight(one.part)
        return Counted(one.part, reason=one.dead_letter_reason)

    def _from_store(self, group: Sequence[DeliveredPart], reason: str) -> list[Counted]:
        """Answer what earlier deliveries settled, from the store or from the ledger; the rest failed."""
        if not group:
            return []
        fetched = _with_known(self._fetch.from_store(_wanted(group), _request_of(group)), group)
        ends = [(one.part, _outcomes(one.part, fetched, otherwise=reason)) for one in group]
        return [Counted(part, outcomes, unanswered(outcomes)) for part, outcomes in ends]

    def _fetch_missing(self, group: Sequence[DeliveredPart], until: float) -> list[Counted | Retry]:
        if not group:
            return []
        attempts = _Attempts(self._parts, group)
        try:
            fetched = self._fetched(group, until, attempts.before_sending)
        except Exception as error:
            attempts.spare(error)
            raise
        finally:
            self._charge_repeats(group[0].part, attempts.repeats)
        attempts.settle(fetched)
        completions = [self._completion(one, fetched) for one in group]
        for one, completion in zip(group, completions, strict=True):
            if isinstance(completion, Retry):
                self._remember(one, fetched)
        return completions

    def _charge_repeats(self, part: Part, users: int) -> None:
        """Charge a lookup's partner for those asked for more than once: whoever made it necessary, the quota was spent.

        The intake queue's share is charged with every call.
        """
        if users and part.origin is not None:
            self._parts.charge_repeats(part.lookup_id, users)

    def _remember(self, one: DeliveredPart, fetched: Fetched) -> None:
        """Write down who failed and who is doubted, so that the next delivery does not ask for them again."""
        places = list(enumerate(one.part.identifiers))
        outcomes = [(place, fetched.outcomes.get(identifier)) for place, identifier in places]
        failed = {place: it.reason or "" for place, it in outcomes if it and it.status is Status.FAILED}
        doubted = {place: fetched.unanswered_calls.get(who, 0) for place, who in places if who in fetched.doubted}
        if (failed, doubted) != (one.failed, one.doubted):
            self._parts.record_findings(one.part, failed=failed, doubted=doubted)

    def _fetched(
        self, group: Sequence[DeliveredPart], until: float, before_sending: Callable[[Sequence[Identifier]], None]
    ) -> Fetched:
        """Fetch what earlier deliveries did not learn already.

        The intake queue's messages in their turn among the partners' rosters, which are fed in theirs.
        """
        request, doubted, known = _request_of(group), _doubted(group), _known(group)
        wanted = {one: since for one, since in _wanted(group).items() if one not in known}
        if group[0].part.origin is not None:
            fetched = self._fetch.fetch(wanted, request, until=until, before_sending=before_sending, doubted=doubted)
            return _with_known(fetched, group)
        with self._intake.turns(request.workspace) as turns:

            def charge(payload: Sequence[Identifier]) -> None:
                before_sending(payload)
                turns.sent(len(payload))

            fetched = self._fetch.fetch(
                wanted, request, until=until, before_sending=charge, turn=turns.turn, doubted=doubted
            )
        return _with_known(fetched, group)

    def _completion(self, one: DeliveredPart, fetched: Fetched) -> Counted | Retry:
        part = one.part
        if all(identifier in fetched.outcomes for identifier in part.identifiers):
            return Counted(part, _outcomes(part, fetched))
        return Retry(part, self._retry_at(part, fetched.cause, one.attempts))

    def _retry_at(self, part: Part, cause: ServiceError | None, attempts: int) -> float:
        if isinstance(cause, RetryLater):
            return cause.retry_at
        wait: float = (
            FIRST_WAIT * 2**attempts if isinstance(cause, VendorUnavailable | AwsUnavailable) else OPERATOR_WAIT
        )
        if not isinstance(cause, VendorUnavailable):
            wait = max(wait, WAITED_SHARE * (self._clock() - part.fed_at))
        return self._clock() + random.uniform(0.5, 1.0) * wait  # noqa: S311 - jitter


class _Attempts:
    """The attempts of parts fetched together: counted before the first call, since it may crash this process."""

    def __init__(self, parts: PartLedger, group: Sequence[DeliveredPart]) -> None:
        self._parts = parts
        self._group = group
        self._counted: list[Part] = []
        self._sent: set[Identifier] = set()
        self.repeats = 0  # users asked for more than once

    def before_sending(self, payload: Sequence[Identifier]) -> None:
        """Count an attempt, once, of each part that was delivered before."""
        self.repeats += sum(one in self._sent for one in payload)
        self._sent.update(payload)
        if not self._counted:
            again = [one.part for one in self._group if one.redelivered]
            self._parts.add_attempts(again, 1)
            self._counted.extend(again)

    def spare(self, error: Exception) -> None:
        """Take back the attempts that an error does not count for.

        MoEngage did answer: that AWS does not take the answer now is no failure. Another error is one of the parts that
        had a user in a call: what breaks us may be among them, and nowhere else.
        """
        others = [part for part in self._counted if self._sent.isdisjoint(part.identifiers)]
        self._parts.add_attempts(self._counted if is_transient(error) else others, -1)

    def settle(self, fetched: Fetched) -> None:
        """Count an attempt of each part that was tried without an answer, and of no other."""
        unanswered_ids = _asked_without_answer(fetched, self._sent)
        tried = [one.part for one in self._group if not unanswered_ids.isdisjoint(one.part.identifiers)]
        self._parts.add_attempts([part for part in tried if part not in self._counted], 1)
        self._parts.add_attempts([part for part in self._counted if part not in tried], -1)


def _group_key(one: DeliveredPart) -> tuple[str, str, tuple[str, ...]]:
    """Return what parts have in common that may share a payload and a result object."""
    return one.part.workspace, one.part.lookup_id, one.part.fields or ()


def _asked_without_answer(fetched: Fetched, sent: set[Identifier]) -> frozenset[Identifier]:
    """Return those that MoEngage was asked for without an answer: by its own errors, or by what a part holds.

    Who is searched for when the time ends has had an attempt, or would come back for ever; not so when the quota ends.
    """
    if isinstance(fetched.cause, VendorUnavailable):
        return frozenset(sent)
    is_late = isinstance(fetched.cause, RetryLater) and fetched.cause.reason == OUT_OF_TIME
    return fetched.doubted if is_late else frozenset()


def _wanted(group: Iterable[DeliveredPart]) -> dict[Identifier, float]:
    """Return the strictest freshness where several parts want the same identifier."""
    wanted: dict[Identifier, float] = {}
    for part in (one.part for one in group):
        for one in part.identifiers:
            wanted[one] = max(part.fresh_since, wanted.get(one, part.fresh_since))
    return wanted


def _known(group: Iterable[DeliveredPart]) -> dict[Identifier, Outcome]:
    """Return what earlier deliveries learned of identifiers that cannot be answered."""
    return {
        one.part.identifiers[place]: Outcome(one.part.identifiers[place], Status.FAILED, reason)
        for one in group
        for place, reason in one.failed.items()
    }


def _with_known(fetched: Fetched, group: Iterable[DeliveredPart]) -> Fetched:
    return replace(fetched, outcomes=_known(group) | dict(fetched.outcomes))


def _doubted(group: Iterable[DeliveredPart]) -> dict[Identifier, int]:
    """Return among whom earlier deliveries searched, with the calls for each alone that met vendor errors."""
    doubted: dict[Identifier, int] = {}
    for one in group:
        for place, times in one.doubted.items():
            identifier = one.part.identifiers[place]
            doubted[identifier] = max(times, doubted.get(identifier, 0))
    return doubted


def _request_of(group: Sequence[DeliveredPart]) -> LookupRequest:
    first = group[0].part
    return LookupRequest(first.workspace, fields=first.fields, lookup_id=first.lookup_id)


def _outcomes(part: Part, fetched: Fetched, *, otherwise: str = "") -> list[Outcome]:
    """Return the outcomes of a part in the order of the roster, as far as it is known."""
    settled = [fetched.outcomes.get(one, Outcome(one, Status.FAILED, otherwise)) for one in part.identifiers]
    places = part.places or (len(settled),) * len(part.invalid)
    for place, invalid in zip(reversed(places), reversed(part.invalid), strict=True):
        settled.insert(place, Outcome.of_invalid(invalid))
    return settled


def _refused(part: Part, reason: str) -> Counted:
    """Return a part that is to be dead-lettered; one of a roster counts as failed, because its lookup waits for it."""
    if part.origin is None:
        return Counted(part, reason=reason)
    return Counted(part, _outcomes(part, Fetched({}), otherwise=REFUSED), reason)
