"""What submits lookups over rosters: for HTTP requests, firings and conversions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from lookup.bulk.conversion.queue import ConversionQueue
from lookup.bulk.conversion.requests import ConversionRequests
from lookup.bulk.estimates import Estimates
from lookup.bulk.submission import Submission
from lookup.ledger.conversions import ConversionLedger
from lookup.rosters.decompression import Bounds
from lookup.rosters.references import RosterReferences
from lookup.rosters.store import RosterStore
from lookup.validation import ParsedIdentifier
from lookup.wiring.pipeline.feeding import FeedingServices


class SubmittingServices(FeedingServices):
    """Rosters and the queue of conversions."""

    @cached_property
    def bounds(self) -> Bounds:
        """How much a packed roster may hold."""
        return Bounds(self.settings.unpacked_roster_megabytes)

    @cached_property
    def rosters(self) -> RosterStore:
        return RosterStore(
            self.s3, self.settings.bucket_name, megabytes=self.settings.roster_megabytes, bounds=self.bounds
        )

    @cached_property
    def references(self) -> RosterReferences:
        return RosterReferences(self.table)

    @cached_property
    def pending(self) -> ConversionLedger:
        return ConversionLedger(self.table)

    @cached_property
    def conversion_queue(self) -> ConversionQueue:
        urls = self.settings.conversion_queue_url, self.settings.conversion_dead_letter_queue_url
        return ConversionQueue(self.sqs, *urls)

    @cached_property
    def conversions(self) -> ConversionRequests:
        return ConversionRequests(
            ledger=self.lookups,
            needs=self.references,
            pending=self.pending,
            queue=self.conversion_queue,
            clock=self.clock,
        )

    @cached_property
    def estimates(self) -> Estimates:
        return Estimates(self.lookups, self.settings, opens_at=self.opens_at, clock=self.clock)

    def opens_at(self, workspace: str) -> float:  # noqa: ARG002 - of any
        """Return 0: a gate is open, as far as estimates that nobody reads are concerned."""
        return 0.0

    def kept_entries(self, workspace: str, entries: Sequence[ParsedIdentifier]) -> Sequence[ParsedIdentifier]:  # noqa: ARG002 - of any
        """Return the identifiers that an inline roster may hold: a firing or a conversion has none."""
        return entries

    @cached_property
    def submission(self) -> Submission:
        return Submission(
            ledger=self.lookups,
            conversions=self.conversions,
            feeder=self.feeder,
            rosters=self.rosters,
            estimates=self.estimates,
            authorization=self.authorization,
            kept_entries=self.kept_entries,
            clock=self.clock,
            most=self.settings.lookups_per_partner,
        )
