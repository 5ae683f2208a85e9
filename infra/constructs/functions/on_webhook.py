"""The webhook queue and the function that serves it: events for partners, sent to the addresses that are set for them.

A rule puts the events of partners with a webhook on the queue, under the partner as message group: on a standard queue
that is what SQS serves the quiet ones first by (fair queues). Results with changes make a second webhook, so a second
rule puts them there once more, as what is a kind of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.event_bus import EventBus
from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import CONSUME_MESSAGES, SEND_MESSAGES, Grant
from infra.constructs.network import FixedEgress
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, work_queue
from infra.stage_settings.concurrency import WEBHOOKS_AT_ONCE
from infra.stage_settings.stage import Stage
from lookup.results.events import COMPLETED, READY, REFUSED, SOURCE, TEST
from lookup.settings import Settings
from lookup.webhook_settings import EventType
from lookup.webhooks.message import CHANGES

TIMEOUT = Duration.seconds(30)  # a call takes ten at most
VISIBILITY = Duration.seconds(180)  # AWS: six times the function's timeout
# A message is received once for each of its tries, and while its receiver rests or is busy; the function gives it up by
# its age, with a reason. This limit is for crashes only.
DELIVERIES = 1000
MEMORY_MB = 256
# EventBridge replaces a path by what the event has there, also in parameters of a target:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#targets-specific-parms
PARTNER = "$.detail.partner"


class WebhookQueue(Construct):
    """The queue and its dead-letter queue; rules put events on it where a partner of the stage has a webhook."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, notices: EventBus) -> None:
        super().__init__(scope, construct_id)
        self._notices = notices
        self.queue = work_queue(self, "Queue", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.dead_letters = dead_letters_of(self.queue)
        called = {name: partner.webhook for name, partner in stage.partners.items() if partner.webhook is not None}
        if called:
            kinds = [COMPLETED, READY, REFUSED, TEST]
            self._rule("Events", kinds, {"partner": list(called)})
        changes = [name for name, webhook in called.items() if EventType.PROFILES_CHANGED.value in webhook.events]
        if changes:
            some = [{"numeric": [">", 0]}]
            self._rule("Changes", [READY], {"partner": changes, "changed": some}, as_kind=CHANGES)
        output(self, "WebhookQueueUrl", self.queue.queue_url)
        output(self, "WebhookDeadLetterQueueUrl", self.dead_letters.queue_url)

    def extend_settings(self, settings: Settings) -> Settings:
        """Return the settings with what the function that serves the queue must know."""
        urls = self.queue.queue_url, self.dead_letters.queue_url
        return replace(settings, webhook_queue_url=urls[0], webhook_dead_letter_queue_url=urls[1])

    def serve_grants(self) -> list[Grant]:
        """Return what the function that serves the queue does here."""
        return [
            Grant("Receive", CONSUME_MESSAGES, [self.queue.queue_arn]),
            Grant("LayAside", SEND_MESSAGES, [self.dead_letters.queue_arn]),
        ]

    def _rule(self, name: str, kinds: list[str], detail: Mapping[str, Any], *, as_kind: str | None = None) -> None:
        rule = events.CfnRule(
            self,
            name,
            description="Has partners called back" if as_kind is None else f"Has partners called back for: {as_kind}",
            event_bus_name=self._notices.bus_name,
            event_pattern={"source": [SOURCE], "detail-type": kinds, "detail": dict(detail)},
            targets=[
                events.CfnRule.TargetProperty(
                    id="webhooks",
                    arn=self.queue.queue_arn,
                    sqs_parameters=events.CfnRule.SqsParametersProperty(message_group_id=PARTNER),
                    input_transformer=None if as_kind is None else _renamed(as_kind),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=self._notices.dead_letters.queue_arn
                    ),
                )
            ],
        )
        self._notices.grant_send(rule, self.queue)


class OnWebhook(Construct):
    """The function, and how SQS hands messages to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        queue: WebhookQueue,
        grants: Iterable[Grant],
        egress: FixedEgress | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = LookupFunction(
            self,
            "OnWebhook",
            module="on_webhook",
            release=release,
            grants=[*queue.serve_grants(), *grants],
            timeout=TIMEOUT,
            memory_mb=MEMORY_MB,
            egress=egress,
        ).function
        # The bare mapping: `SqsEventSource` would also grant, and the role has its grants already.
        lambda_.EventSourceMapping(
            self,
            "Webhooks",
            target=self.function,
            event_source_arn=queue.queue.queue_arn,
            batch_size=1,  # a receiver that hangs keeps no other message waiting
            report_batch_item_failures=True,
            max_concurrency=WEBHOOKS_AT_ONCE,
        )


def _renamed(kind: str) -> events.CfnRule.InputTransformerProperty:
    """Return how an event becomes one of another kind, with the same detail."""
    template = f'{{"detail-type": {json.dumps(kind)}, "detail": <detail>}}'
    return events.CfnRule.InputTransformerProperty(input_paths_map={"detail": "$.detail"}, input_template=template)
