"""Lookups that somebody waits for: up to 100 identifiers, there and then, in the on-demand lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from lookup.errors import GateClosed, RetryLater, ServiceError, VendorUnavailable
from lookup.fetch.fetcher import Fetched, Fetcher
from lookup.fetch.waiting_room import Waiter
from lookup.model import Clock, FetchOptions, Identifier, InvalidIdentifier, Lane, Outcome, Source, Status
from lookup.results.files import Record, ResultFiles
from lookup.validation import ParsedIdentifier

PART = "000001"
FROM_THE_STORE = frozenset({Source.STORED, Source.STALE})


@dataclass(frozen=True, slots=True)
class OnDemandRequest:
    """What a caller asks for. `patience` is how many seconds it may take; None lets only the store be asked.

    `stale_if_error` is how many seconds beyond `max_age` a stored profile may be old while MoEngage cannot be asked.
    `charge` hears how many users are about to be asked for, and as a negative number how many of them were not.
    `keep` archives the answer even when all of it is stored already. `waiter` stands among those who wait for quota.
    """

    entries: Sequence[ParsedIdentifier]
    workspace: str
    fields: tuple[str, ...] | None
    max_age: float
    patience: float | None
    charge: Callable[[int], object]
    stale_if_error: float = 0.0
    forwarded_for: str | None = None
    keep: bool = False
    waiter: Waiter | None = None


@dataclass(frozen=True, slots=True)
class OnDemandResult:
    """The outcomes in the order asked. `cause` says why some failed for now; `key` is that of the archived object."""

    lookup_id: str
    outcomes: Sequence[Outcome]
    cause: ServiceError | None
    key: str | None = None


class OnDemand:
    """Serves orders."""

    def __init__(self, *, fetch: Fetcher, archive: ResultFiles, clock: Clock) -> None:
        self._fetch = fetch
        self._archive = archive
        self._clock = clock

    def serve(self, order: OnDemandRequest) -> OnDemandResult:
        """Look up at once. Raises the `ServiceError` that kept anything from being answered, also the gate's."""
        submitted_at = self._clock()
        terms = FetchOptions(
            order.workspace, f"on-demand-{uuid4().hex}", Lane.ON_DEMAND, order.fields, order.forwarded_for
        )
        wanted = {one: submitted_at - order.max_age for one in order.entries if isinstance(one, Identifier)}
        fetched = self._fetched(order, wanted, terms, submitted_at)
        outcomes = _in_order(order, fetched)
        key = self._keep(order, terms, submitted_at, outcomes)
        written = _in_order(order, fetched.wait_until_written())
        if written != outcomes:  # another writer came between: what changed is archived as it is in the store
            key = self._keep(order, terms, submitted_at, written)
        return OnDemandResult(terms.lookup_id, written, fetched.cause, key)

    def archived(self, order: OnDemandRequest, answered: OnDemandResult) -> str:
        """Return the key of the archived answer, which is archived now if it was not yet."""
        if answered.key is not None:
            return answered.key
        return self._write(order.workspace, answered.lookup_id, self._clock(), answered.outcomes)

    def _fetched(
        self, order: OnDemandRequest, wanted: Mapping[Identifier, float], terms: FetchOptions, submitted_at: float
    ) -> Fetched:
        if order.patience is None:
            return self._from_store(wanted, terms)
        sent: set[Identifier] = set()
        fetched = self._begun(order, wanted, terms, until=submitted_at + order.patience, sent=sent)
        if fetched.cause is None:
            return fetched
        helped = _with_stale(fetched, wanted, order.stale_if_error)
        is_whole = len(helped.outcomes) == len(wanted)
        if is_whole or not _becomes_a_lookup(fetched.cause):
            order.charge(-_not_asked(wanted, fetched, sent))
        if not is_whole and not isinstance(fetched.cause, VendorUnavailable):
            helped.wait_until_written()
            raise fetched.cause
        return helped

    def _begun(
        self,
        order: OnDemandRequest,
        wanted: Mapping[Identifier, float],
        terms: FetchOptions,
        *,
        until: float,
        sent: set[Identifier],
    ) -> Fetched:
        """Fetch, note who is `sent`, and give the place among those who wait back, if one was taken."""
        waiter = order.waiter
        try:
            turn = None if waiter is None else waiter.turn
            before = _charging_repeats(order.charge, sent)
            return self._fetch.start(
                wanted, terms, until=until, before_sending=before, on_charge=order.charge, turn=turn
            )
        finally:
            if waiter is not None:
                waiter.leave()

    def _from_store(self, wanted: Mapping[Identifier, float], terms: FetchOptions) -> Fetched:
        fetched = self._fetch.from_store(wanted, terms)
        if len(fetched.outcomes) < len(wanted):
            raise RetryLater(self._clock(), "lane")
        return fetched

    def _keep(
        self, order: OnDemandRequest, terms: FetchOptions, fed_at: float, outcomes: Sequence[Outcome]
    ) -> str | None:
        """Archive what was fetched; an answer from the store alone is archived already."""
        if not order.keep and all(outcome.source in FROM_THE_STORE for outcome in outcomes):
            return None
        return self._write(terms.workspace, terms.lookup_id, fed_at, outcomes)

    def _write(self, workspace: str, lookup_id: str, fed_at: float, outcomes: Sequence[Outcome]) -> str:
        records = [Record(PART, outcome) for outcome in outcomes]
        return self._archive.write(workspace=workspace, lookup_id=lookup_id, name=PART, fed_at=fed_at, records=records)


def _charging_repeats(charge: Callable[[int], object], sent: set[Identifier]) -> Callable[[Sequence[Identifier]], None]:
    """Return what notes who is `sent`, and charges before a call who was already: each was charged once so far.

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

    Calls that met trouble have used quota; given back, what MoEngage fails over would cost nothing.
    """
    unanswered = wanted.keys() - fetched.outcomes.keys()
    return len(unanswered if isinstance(fetched.cause, GateClosed) else unanswered - sent)


def _becomes_a_lookup(cause: ServiceError) -> bool:
    """Return whether the quota is only busy; everything else is said to the caller."""
    return isinstance(cause, RetryLater) and not isinstance(cause, GateClosed)


def _in_order(order: OnDemandRequest, fetched: Fetched) -> list[Outcome]:
    return [_outcome(one, fetched.outcomes) for one in order.entries]


def _with_stale(fetched: Fetched, wanted: Mapping[Identifier, float], seconds: float) -> Fetched:
    """Answer what MoEngage did not with stored profiles that are too old by no more than `seconds`."""
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
