"""What the queues' handler adds: parts and intake messages, served in batches."""

from __future__ import annotations

from functools import cached_property

from lookup.bulk.answers import AnswersWorker
from lookup.bulk.intake.share import IntakeShare
from lookup.bulk.processor import PartProcessor
from lookup.bulk.recording import CompletionRecorder
from lookup.bulk.worker import QueueWorker
from lookup.ledger.parts import PartLedger
from lookup.wiring.pipeline.feeding import FeedingServices
from lookup.wiring.pipeline.fetching import FetchingServices


class QueueServices(FetchingServices, FeedingServices):
    """The services of `on_queue`."""

    @cached_property
    def part_ledger(self) -> PartLedger:
        return PartLedger(self.table)

    @cached_property
    def intake(self) -> IntakeShare:
        return IntakeShare(
            self.lookups, self.table, self.settings.workspaces, clock=self.clock, sleep=self.shutdown.sleep
        )

    @cached_property
    def parts(self) -> PartProcessor:
        recorder = CompletionRecorder(
            archive=self.archive,
            parts=self.part_ledger,
            hours=self.hour_marks,
            publish_changed=self.events.publish_changed,
        )
        return PartProcessor(
            fetch=self.fetch, recorder=recorder, parts=self.part_ledger, intake=self.intake, clock=self.clock
        )

    @cached_property
    def worker(self) -> QueueWorker:
        return QueueWorker(queues=self.queues, parts=self.parts, ending=self.ending, feeder=self.feeder)

    @cached_property
    def answers_worker(self) -> AnswersWorker:
        return AnswersWorker(self.archive, self.hour_marks, self.clock, kept_lines=self.tombstones.kept_lines)
