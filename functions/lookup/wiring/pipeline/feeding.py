"""Lookups in the ledger and what feeds and ends them: for every handler but a request for profiles."""

from __future__ import annotations

from functools import cached_property

from lookup.bulk.completion import LookupCompletion
from lookup.bulk.feeder import QUEUE_SECONDS, Feeder, FeedingSteps
from lookup.bulk.queues import Queues
from lookup.ledger.feeding import FeedingLedger
from lookup.ledger.lookups import LookupLedger
from lookup.ledger.sweep import Adoption
from lookup.ledger.transitions import Transitions
from lookup.results.events import EventPublisher
from lookup.rosters.reader import RosterReader
from lookup.wiring.services import Services


class FeedingServices(Services):
    """Lookups, their parts and events."""

    depth_seconds = QUEUE_SECONDS

    @cached_property
    def lookups(self) -> LookupLedger:
        return LookupLedger(self.table)

    @cached_property
    def adoption(self) -> Adoption:
        return Adoption(self.table, self.lookups)

    @cached_property
    def states(self) -> Transitions:
        return Transitions(self.table, self.lookups, self.adoption.adopt)

    @cached_property
    def feed(self) -> FeedingLedger:
        return FeedingLedger(self.table, self.lookups.shares)

    @cached_property
    def reader(self) -> RosterReader:
        return RosterReader(self.s3, self.settings.bucket_name)

    @cached_property
    def events(self) -> EventPublisher:
        return EventPublisher(self.eventbridge, self.settings.event_bus_name)

    @cached_property
    def ending(self) -> LookupCompletion:
        return LookupCompletion(
            ledger=self.lookups, states=self.states, publish=self.events.publish_completed, clock=self.clock
        )

    @cached_property
    def queues(self) -> Queues:
        return Queues(self.sqs, self.settings, self.clock)

    @cached_property
    def feeder(self) -> Feeder:
        return Feeder(
            ledger=self.lookups,
            feed=self.feed,
            steps=FeedingSteps(self.feed, self.reader),
            ending=self.ending,
            queues=self.queues,
            settings=self.settings,
            is_closed=self.is_shut,
            clock=self.clock,
            depth_seconds=self.depth_seconds,
        )
