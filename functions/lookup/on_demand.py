"""Lookups that somebody waits for: up to 100 identifiers, there and then, in the on-demand lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from lookup.archive import Archive, Record
from lookup.errors import LookupFault, VendorTrouble
from lookup.fetch import Fetch
from lookup.intake import Entry
from lookup.model import Clock, Identifier, Invalid, Lane, Outcome, Status, Terms


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asks for. `patience` is how many seconds it may take."""

    entries: Sequence[Entry]
    workspace: str
    fields: tuple[str, ...] | None
    max_age: float
    patience: float
    forwarded_for: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The outcomes in the order asked. `cause` says why some failed for now."""

    lookup_id: str
    outcomes: Sequence[Outcome]
    cause: LookupFault | None


class OnDemand:
    """Serves orders."""

    def __init__(self, *, fetch: Fetch, archive: Archive, clock: Clock) -> None:
        self._fetch = fetch
        self._archive = archive
        self._clock = clock

    def serve(self, order: Order) -> Answered:
        """Look up at once. Raises the `LookupFault` that kept anything from being answered, quota and gate included."""
        submitted_at = self._clock()
        lookup_id = f"on-demand-{uuid4().hex}"
        wanted = {one: submitted_at - order.max_age for one in order.entries if isinstance(one, Identifier)}
        terms = Terms(order.workspace, lookup_id, Lane.ON_DEMAND, order.fields, order.forwarded_for)
        fetched = self._fetch.run(wanted, terms, until=submitted_at + order.patience)
        if fetched.cause and not isinstance(fetched.cause, VendorTrouble):
            raise fetched.cause
        outcomes = [_outcome(one, fetched.outcomes) for one in order.entries]
        self._keep(terms, submitted_at, outcomes)
        return Answered(lookup_id, outcomes, fetched.cause)

    def _keep(self, terms: Terms, submitted_at: float, outcomes: Sequence[Outcome]) -> None:
        """Archive what was fetched; an answer from the store alone is archived already."""
        if any(outcome.source != "stored" for outcome in outcomes):
            records = [Record("000001", outcome) for outcome in outcomes]
            self._archive.write(
                workspace=terms.workspace,
                lookup_id=terms.lookup_id,
                name="000001",
                fed_at=submitted_at,
                records=records,
            )


def _outcome(one: Entry, settled: Mapping[Identifier, Outcome]) -> Outcome:
    if isinstance(one, Invalid):
        return Outcome.of_invalid(one)
    return settled.get(one) or Outcome(one, Status.FAILED, "vendor_trouble")
