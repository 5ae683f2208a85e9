"""What the schedules' handler adds: firings and the minute's maintenance."""

from __future__ import annotations

from functools import cached_property
from math import inf

from lookup.bulk.estimates import backlog_of
from lookup.bulk.hour_requests import HourRequests
from lookup.gate.state import GateState
from lookup.ledger.collecting.collections import CollectionLedger
from lookup.ledger.sweep import SweepLedger
from lookup.ledger.usage.quota_history import QuotaHistories
from lookup.model import Lane
from lookup.schedules.firings import Firings
from lookup.schedules.maintenance import Gauges, Maintenance, Reopening
from lookup.schedules.part_expiry import PartExpiry
from lookup.schedules.sweep import Sweep
from lookup.telemetry import record_gauge
from lookup.wiring.pipeline.submitting import SubmittingServices

TICK_SECONDS = 20  # a tick is over by then; the next one reads anew


class ScheduleServices(SubmittingServices):
    """The services of `on_schedule`."""

    @cached_property
    def gauges(self) -> Gauges:
        return Gauges(
            workspaces=self.settings.workspaces,
            backlog_of=lambda workspace: backlog_of(self.lookups, workspace),
            is_shut=self.is_shut,
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

    @cached_property
    def gate_states(self) -> dict[str, tuple[float, GateState]]:
        """The state of each workspace's gate, with when this tick read it (epoch seconds)."""
        return {}

    def sample_quota(self, workspace: str) -> GateState:
        """Record what a workspace's gate has granted by now; return its state. Raises `RetryLater`."""
        state = self.gates.of(workspace).state()
        self.gate_states[workspace] = (self.clock(), state)
        self.quota_histories.record(workspace, sum(state.counted.values()), state.counted[Lane.ON_DEMAND])
        return state

    def is_shut(self, workspace: str) -> bool:
        """Return whether feeding makes no sense: a gate that this tick has seen open is not read again."""
        read_at, state = self.gate_states.get(workspace, (-inf, None))
        if state and self.clock() - read_at < TICK_SECONDS and not state.is_blocked(self.clock()):
            return False
        return super().is_shut(workspace)

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
