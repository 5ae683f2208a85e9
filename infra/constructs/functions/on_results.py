"""The results queue and the function that serves it: what workers wrote of a lookup, collected into a few files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.event_bus import EventBus
from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import CONSUME_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, work_queue
from infra.stage_settings.concurrency import COLLECTIONS_AT_ONCE
from lookup.results.events import COMPLETED, EXPORT_REQUESTED, SOURCE
from lookup.settings import Settings

TIMEOUT = Duration.minutes(15)  # Lambda's longest; a lookup that takes longer is gone on with
# AWS: six times the function's timeout. A message that is worked on is hidden for 90 s at a time instead (`pulse`).
VISIBILITY = Duration.minutes(90)
DELIVERIES = 40  # a few more than after which the function lays a message aside, with a reason
MEMORY_MB = 1769  # one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html


class ResultsQueue(Construct):
    """The queue and its dead-letter queue; a rule puts the end of each lookup on it."""

    def __init__(self, scope: Construct, construct_id: str, *, notices: EventBus) -> None:
        super().__init__(scope, construct_id)
        self.queue = work_queue(self, "Queue", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.dead_letters = dead_letters_of(self.queue)
        rule = self._rule(notices)
        notices.grant_send(rule, self.queue)
        output(self, "ResultsQueueUrl", self.queue.queue_url)
        output(self, "ResultsDeadLetterQueueUrl", self.dead_letters.queue_url)

    def extend_settings(self, settings: Settings) -> Settings:
        """Return the settings with what the function that serves the queue must know."""
        urls = self.queue.queue_url, self.dead_letters.queue_url
        return replace(settings, results_queue_url=urls[0], results_dead_letter_queue_url=urls[1])

    def extend_asking(self, settings: Settings) -> Settings:
        """Return the settings with what a function must know that asks for hours to be collected."""
        return replace(settings, results_queue_url=self.queue.queue_url)

    def ask_grants(self) -> list[Grant]:
        """Return what that function does here."""
        return [Grant("AskForHours", SEND_MESSAGES, [self.queue.queue_arn])]

    def serve_grants(self) -> list[Grant]:
        """Return what the function that serves the queue does here; it goes on with a lookup by a message to itself."""
        return [
            Grant("Receive", CONSUME_MESSAGES, [self.queue.queue_arn]),
            Grant("Send", SEND_MESSAGES, [self.queue.queue_arn, self.dead_letters.queue_arn]),
        ]

    def _rule(self, notices: EventBus) -> events.CfnRule:
        return events.CfnRule(
            self,
            "Ended",
            description="Has the results of a lookup that has ended collected, and those asked for later made",
            event_bus_name=notices.bus_name,
            event_pattern={"source": [SOURCE], "detail-type": [COMPLETED, EXPORT_REQUESTED]},
            targets=[
                events.CfnRule.TargetProperty(
                    id="results",
                    arn=self.queue.queue_arn,
                    input_path="$.detail",
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=notices.dead_letters.queue_arn),
                )
            ],
        )


class OnResults(Construct):
    """The function, whose zip holds PyArrow too, and how SQS hands messages to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        queue: ResultsQueue,
        grants: Iterable[Grant],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = LookupFunction(
            self,
            "OnResults",
            module="on_results",
            release=release,
            grants=[*queue.serve_grants(), *grants],
            timeout=TIMEOUT,
            memory_mb=MEMORY_MB,
            feeds_itself=True,  # a lookup that takes longer than a quarter of an hour is gone on with
        ).function
        # The bare mapping: `SqsEventSource` would also grant, and the role is written by hand.
        lambda_.EventSourceMapping(
            self,
            "Results",
            target=self.function,
            event_source_arn=queue.queue.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=COLLECTIONS_AT_ONCE,
        )
