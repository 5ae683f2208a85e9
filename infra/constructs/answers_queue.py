"""The queue of answers at once, whose records are archived many in one object."""

from __future__ import annotations

from dataclasses import replace

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.iam import CONSUME_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, work_queue
from lookup.settings import Settings

# AWS: six times the timeout of the function that serves it, and the longest time that a batch is gathered.
VISIBILITY = Duration.seconds(6 * 60 + 300)
DELIVERIES = 100  # over 18 hours: what S3 does not take now it takes then; only what cannot be read is laid aside


class AnswersQueue(Construct):
    """The queue and its dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = work_queue(self, "Queue", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.dead_letters = dead_letters_of(self.queue)
        output(self, "AnswersQueueUrl", self.queue.queue_url)
        output(self, "AnswersDeadLetterQueueUrl", self.dead_letters.queue_url)

    def extend_settings(self, settings: Settings) -> Settings:
        """Return the settings with what a function must know that sends to the queue or serves it."""
        return replace(settings, answers_queue_url=self.queue.queue_url)

    def send_grants(self) -> list[Grant]:
        """Return what the function that answers does here."""
        return [Grant("Answers", SEND_MESSAGES, [self.queue.queue_arn])]

    def serve_grants(self) -> list[Grant]:
        """Return what the function that archives does here."""
        return [Grant("Answers", CONSUME_MESSAGES, [self.queue.queue_arn])]
