"""Lookups that a caller waits for: up to 100 identifiers in one request, in the on-demand lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from lookup.errors import GateClosed, RetryLater, ServiceError, VendorUnavailable
from lookup.fetch.fetcher import Fetched, Fetcher
from lookup.fetch.waiting_room import Waiter
from lookup.model import (
    Clock,
    Identifier,
    InvalidIdentifier,
    Lane,
    LookupRequest,
    Outcome,
    Source,
    Status,
)
from lookup.results.answers import PART, AnswerRecords
from lookup.results.files import ON_DEMAND, Record
from lookup.validation import ParsedIdentifier

FROM_THE_STORE = frozenset({Source.STORED, Source.STALE})
Charge = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class OnDemandResult:
    """The outcomes in the order asked. `cause` is why some failed for now.

    `archive_key` names the object that holds them; None where they have none of their own.
    """

    workspace: str
    lookup_id: str
    asked_at: float
    outcomes: Sequence[Outcome]
    cause: ServiceError | None
    archive_key: str | None = None


class OnDemand:
    """Serves requests at once."""

    def __init__(self, *, fetch: Fetcher, archive: AnswerRecords, clock: Clock) -> None:
        self._fetch = fetch
        self._archive = archive
        self._clock = clock

    def serve(
        self,
        request: LookupRequest,
        *,
        max_wait: float | None,
        on_charge: Charge,
        waiter: Waiter,
    ) -> OnDemandResult:
        """Look up within `max_wait` seconds; None reads the store only.

        `on_charge` is called with how many users are about to be asked for, and with a negative number for those who
        were not. `waiter` takes a place among those who wait for quota. The outcomes of a request with a `lookup_id`
        are archived as an object, even when all of them come from the store. Raises the `ServiceError` that kept
        anything from being answered, also the gate's.
        """
        now, with_object = self._clock(), bool(request.lookup_id)
        request = replace(request, lookup_id=f"{ON_DEMAND}{uuid4().hex}", lane=Lane.ON_DEMAND)
        wanted = {one: now - request.max_age for one in request.entries if isinstance(one, Identifier)}
        if max_wait is None:
            fetched = self._from_store(wanted, request)
        else:
            fetched = self._fetched(wanted, request, until=now + max_wait, on_charge=on_charge, waiter=waiter)
        outcomes = _in_order(request, fetched)
        key = self._archive_new(request, now, outcomes, with_object=with_object)
        written = _in_order(request, fetched.wait_until_written())
        if written != outcomes:  # another writer came between: what changed is archived as it is in the store
            key = self._archive_new(request, now, written, with_object=True)
        return OnDemandResult(request.workspace, request.lookup_id, now, written, fetched.cause, key)

    def archived(self, result: OnDemandResult) -> str:
        """Return the key of the archived outcomes, which are archived now if they were not yet."""
        if result.archive_key is not None:
            return result.archive_key
        records = _records(result.outcomes)
        return self._archive.keep_as_object(result.workspace, result.lookup_id, result.asked_at, records)

    def _fetched(
        self,
        wanted: Mapping[Identifier, float],
        request: LookupRequest,
        *,
        until: float,
        on_charge: Charge,
        waiter: Waiter,
    ) -> Fetched:
        sent: set[Identifier] = set()
        before = _charging_repeats(on_charge, sent)
        try:
            fetched = self._fetch.start(
                wanted, request, until=until, before_sending=before, on_charge=on_charge, turn=waiter.turn
            )
        finally:
            waiter.leave()
        if fetched.cause is None:
            return fetched
        helped = _with_stale(fetched, wanted, request.stale_if_error)
        is_whole = len(helped.outcomes) == len(wanted)
        if is_whole or not _is_quota_busy(fetched.cause):
            on_charge(-_not_asked(wanted, fetched, sent))
        if not is_whole and not isinstance(fetched.cause, VendorUnavailable):
            helped.wait_until_written()
            raise fetched.cause
        return helped

    def _from_store(self, wanted: Mapping[Identifier, float], request: LookupRequest) -> Fetched:
        fetched = self._fetch.from_store(wanted, request)
        if len(fetched.outcomes) < len(wanted):
            raise RetryLater(self._clock(), "lane")
        return fetched

    def _archive_new(
        self, request: LookupRequest, asked_at: float, outcomes: Sequence[Outcome], *, with_object: bool
    ) -> str | None:
        """Archive what was fetched; outcomes that all come from the store are archived already."""
        whose = request.workspace, request.lookup_id, asked_at
        if with_object:
            return self._archive.keep_as_object(*whose, _records(outcomes))
        if all(outcome.source in FROM_THE_STORE for outcome in outcomes):
            return None
        return self._archive.keep(*whose, _records(outcomes))


def _records(outcomes: Sequence[Outcome]) -> list[Record]:
    return [Record(PART, outcome) for outcome in outcomes]


def _charging_repeats(charge: Charge, sent: set[Identifier]) -> Callable[[Sequence[Identifier]], None]:
    """Return a function that notes who is `sent`, and charges those who were already: each was charged once so far.

    Whoever sends identifiers over which MoEngage fails pays for the search, and ends it with the users of the day.
    """

    def before_sending(payload: Sequence[Identifier]) -> None:
        repeats = sum(one in sent for one in payload)
        if repeats:
            charge(repeats)
        sent.update(payload)

    return before_sending


def _not_asked(wanted: Mapping[Identifier, float], fetched: Fetched, sent: set[Identifier]) -> int:
    """Return how many users are not charged: who brought no answer, and was not sent unless a gate is closed since.

    Calls that met vendor errors have used quota; refunded, what MoEngage fails over would cost nothing.
    """
    unanswered = wanted.keys() - fetched.outcomes.keys()
    return len(unanswered if isinstance(fetched.cause, GateClosed) else unanswered - sent)


def _is_quota_busy(cause: ServiceError) -> bool:
    """Return whether the request becomes a lookup; any other cause is returned to the caller."""
    return isinstance(cause, RetryLater) and not isinstance(cause, GateClosed)


def _in_order(request: LookupRequest, fetched: Fetched) -> list[Outcome]:
    return [_outcome(one, fetched.outcomes) for one in request.entries]


def _with_stale(fetched: Fetched, wanted: Mapping[Identifier, float], seconds: float) -> Fetched:
    """Answer what MoEngage did not with profiles from the store that are too old by no more than `seconds`."""
    usable = {
        one: outcome
        for one, outcome in fetched.stale.items()
        if outcome.profile is not None and outcome.profile.fetched_at >= wanted[one] - seconds
    }
    return replace(fetched, outcomes={**usable, **fetched.outcomes})


def _outcome(one: ParsedIdentifier, settled: Mapping[Identifier, Outcome]) -> Outcome:
    if isinstance(one, InvalidIdentifier):
        return Outcome.of_invalid(one)
    return settled.get(one) or Outcome(one, Status.FAILED, "vendor_trouble")
