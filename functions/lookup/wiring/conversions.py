"""What the conversion queue's handler adds: the only wiring that knows how rosters are converted."""

from __future__ import annotations

from functools import cached_property

from lookup.bulk.conversion.converter import Conversions
from lookup.bulk.conversion.worker import ConversionWorker
from lookup.rosters.copies import RosterCopies
from lookup.wiring.pipeline.submitting import SubmittingServices


class ConversionServices(SubmittingServices):
    """The services of `on_conversion`."""

    @cached_property
    def converter(self) -> Conversions:
        return Conversions(
            ledger=self.lookups,
            pending=self.pending,
            copies=RosterCopies(self.s3, self.settings.bucket_name, self.bounds),
            ending=self.ending,
            daily=self.daily,
            partner_named=self.partners.by_name,
            clock=self.clock,
        )

    @cached_property
    def conversion_worker(self) -> ConversionWorker:
        return ConversionWorker(self.converter, self.conversion_queue)
