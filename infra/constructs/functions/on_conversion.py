"""The conversion queue and the function that serves it: rosters that are unpacked or counted before they are fed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import CONSUME_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, fifo_work_queue
from infra.stage_settings.concurrency import CONVERSIONS_AT_ONCE
from lookup.settings import Settings

TIMEOUT = Duration.minutes(10)  # for the largest roster that a stage may allow; what is not done by then is refused
VISIBILITY = Duration.minutes(60)  # AWS: six times the function's timeout; what ends with an error comes back sooner
DELIVERIES = 12  # a few more than after which the function lays a message aside, with a reason
MEMORY_MB = 1769  # one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html


class ConversionQueue(Construct):
    """The queue, first in first out for each partner, and its dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = fifo_work_queue(self, "Queue", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.dead_letters = dead_letters_of(self.queue)
        output(self, "ConversionQueueUrl", self.queue.queue_url)
        output(self, "ConversionDeadLetterQueueUrl", self.dead_letters.queue_url)

    def extend_settings(self, settings: Settings) -> Settings:
        """Add what the function that serves the queue must know."""
        return replace(settings, conversion_dead_letter_queue_url=self.dead_letters.queue_url)

    def ask_grants(self) -> list[Grant]:
        """Return what a function that submits lookups does here."""
        return [Grant("Convert", SEND_MESSAGES, [self.queue.queue_arn])]

    def serve_grants(self) -> list[Grant]:
        """Return what the function that serves the queue does here."""
        return [
            Grant("Receive", CONSUME_MESSAGES, [self.queue.queue_arn]),
            Grant("LayAside", SEND_MESSAGES, [self.dead_letters.queue_arn]),
        ]


class OnConversion(Construct):
    """The function, and its SQS event source."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        queue: ConversionQueue,
        grants: Iterable[Grant],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = LookupFunction(
            self,
            "OnConversion",
            module="on_conversion",
            release=release,
            grants=[*queue.serve_grants(), *grants],
            timeout=TIMEOUT,
            memory_mb=MEMORY_MB,
        ).function
        # The bare mapping: `SqsEventSource` would also grant, and the role has its grants already.
        lambda_.EventSourceMapping(
            self,
            "Conversions",
            target=self.function,
            event_source_arn=queue.queue.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=CONVERSIONS_AT_ONCE,
        )
