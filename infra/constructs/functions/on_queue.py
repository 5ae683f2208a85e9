"""The queues and the function that serves them."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.answers_queue import AnswersQueue
from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import CONSUME_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, work_queue
from infra.stage_settings.concurrency import ANSWERS_AT_ONCE
from infra.stage_settings.workers import workers_for

TIMEOUT = Duration.seconds(60)
BATCH_WINDOW = Duration.seconds(2)
ANSWERS = 10_000  # in a batch: the most that Lambda takes, which 6 MB of payload end before
# AWS: six times the function's timeout plus the window, so that throttled polls do not use deliveries up.
VISIBILITY = Duration.seconds(6 * 60 + 2)
DELIVERIES = 1000  # waiting for quota returns messages many times; the limit is for crashes only


class Queues(Construct):
    """The intake queue for other systems and the parts queue of our own, each with its dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.intake = work_queue(self, "Intake", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.parts = work_queue(self, "Parts", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.intake_dead_letters = dead_letters_of(self.intake)
        self.parts_dead_letters = dead_letters_of(self.parts)
        for key, queue in (
            ("IntakeQueueUrl", self.intake),
            ("IntakeDeadLetterQueueUrl", self.intake_dead_letters),
            ("PartsQueueUrl", self.parts),
            ("PartsDeadLetterQueueUrl", self.parts_dead_letters),
        ):
            output(self, key, queue.queue_url)

    def feed_grants(self) -> list[Grant]:
        """Return what a function that puts parts on the queue does here."""
        return [Grant("Feed", SEND_MESSAGES, [self.parts.queue_arn])]

    def serve_grants(self) -> list[Grant]:
        """Return what the function that serves the queues does here."""
        return [
            Grant("Receive", CONSUME_MESSAGES, [self.intake.queue_arn, self.parts.queue_arn]),
            Grant("LayAside", SEND_MESSAGES, [self.intake_dead_letters.queue_arn, self.parts_dead_letters.queue_arn]),
        ]


class OnQueue(Construct):
    """The function, and its SQS event source."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        queues: Queues,
        answers: AnswersQueue,
        grants: Iterable[Grant],
        egress: FixedEgress | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = LookupFunction(
            self,
            "OnQueue",
            module="on_queue",
            release=release,
            grants=[*queues.serve_grants(), *answers.serve_grants(), *grants],
            timeout=TIMEOUT,
            memory_mb=release.stage.queue_memory_mb,
            egress=egress,
            feeds_itself=True,  # a part that is done makes room for the next one, which it sends
        ).function
        workers = workers_for(workspace.quota for workspace in release.stage.workspaces.values())
        # Single identifiers are collected so that they fill the vendor's payloads together.
        self._consume("Intake", queues.intake, batch_size=100, window=BATCH_WINDOW, workers=workers)
        self._consume("Parts", queues.parts, batch_size=1, window=None, workers=workers)
        gathered = Duration.seconds(release.stage.answers_window_seconds)
        self._consume("Answers", answers.queue, batch_size=ANSWERS, window=gathered, workers=ANSWERS_AT_ONCE)

    def _consume(self, name: str, queue: sqs.Queue, *, batch_size: int, window: Duration | None, workers: int) -> None:
        # The bare mapping: `SqsEventSource` would also grant, and the role has its grants already.
        lambda_.EventSourceMapping(
            self,
            name,
            target=self.function,
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=window,
            report_batch_item_failures=True,
            max_concurrency=workers,
        )
