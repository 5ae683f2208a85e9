"""What the schedules' handler adds: firings and the minute's maintenance."""

from __future__ import annotations

from functools import cached_property

from lookup.bulk.estimates import backlog_of
from lookup.bulk.hour_requests import HourRequests
from lookup.ledger.collections import CollectionLedger
from lookup.ledger.quota_history import QuotaHistories
from lookup.ledger.sweep import SweepLedger
from lookup.model import Lane
from lookup.schedules.firings import Firings
from lookup.schedules.maintenance import Gauges, Maintenance, Reopening
from lookup.schedules.part_expiry import PartExpiry
from lookup.schedules.sweep import Sweep
from lookup.telemetry import record_gauge
from lookup.wiring.submitting import SubmittingServices


class ScheduleServices(SubmittingServices):
    """The services of `on_schedule`."""

    @cached_property
    def gauges(self) -> Gauges:
        return Gauges(
            workspaces=self.settings.workspaces,
            backlog_of=lambda workspace: backlog_of(self.lookups, workspace),
            is_shut=lambda workspace: self.gates.of(workspace).state().is_blocked(self.clock()),
            has_secret=self.credentials.has_value,
            record=record_gauge,
        )

    @cached_property
    def sweep(self) -> Sweep:
        return Sweep(
            ledger=self.lookups,
            swept=SweepLedger(self.table),
            feed=self.feed,
            feeder=self.feeder,
            ending=self.ending,
            adoption=self.adoption,
            reader=self.reader,
            queues=self.queues,
            is_closed=self.is_shut,
            clock=self.clock,
        )

    @cached_property
    def firings(self) -> Firings:
        return Firings(
            ledger=self.lookups,
            submission=self.submission,
            feeder=self.feeder,
            partner_named=self.partners.by_name,
            publish_refused=self.events.publish_refused,
        )

    @cached_property
    def quota_histories(self) -> QuotaHistories:
        return QuotaHistories(self.table, self.clock)

    def sample_quota(self, workspace: str) -> None:
        """Record what a workspace's gate has granted by now."""
        counted = self.gates.of(workspace).state().counted
        self.quota_histories.record(workspace, sum(counted.values()), counted[Lane.ON_DEMAND])

    @cached_property
    def maintenance(self) -> Maintenance:
        return Maintenance(
            settings=self.settings,
            sample=self.sample_quota,
            reopening=Reopening(gates=self.gates, credentials=self.credentials, table=self.table),
            sweep=self.sweep,
            feeder=self.feeder,
            conversions=self.conversions,
            hours=HourRequests(self.sqs, self.settings.results_queue_url, self.hour_marks),
            part_expiry=self.part_expiry,
        )

    @cached_property
    def part_expiry(self) -> PartExpiry:
        return PartExpiry(
            self.s3,
            self.settings.bucket_name,
            collections=CollectionLedger(self.table),
            ledger=self.lookups,
            clock=self.clock,
        )
