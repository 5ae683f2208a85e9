"""The queue of erasures, the key of tombstones, and the function that searches every store for people to erase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.functions.function import LookupFunction, Release
from infra.constructs.iam import CONSUME_MESSAGES, READ_SECRETS, SEND_MESSAGES, Grant
from infra.constructs.outputs import output
from infra.constructs.queues import dead_letters_of, work_queue
from infra.constructs.removal import removal_policy
from infra.nag import acknowledge
from infra.stage_settings.concurrency import ERASURES_AT_ONCE
from infra.stage_settings.stage import Stage
from lookup.settings import Settings

TIMEOUT = Duration.minutes(15)  # Lambda's longest; a search that takes longer is gone on with
VISIBILITY = Duration.minutes(90)  # AWS: six times the function's timeout
DELIVERIES = 40  # a few more than after which the function dead-letters a message, with a reason
MEMORY_MB = 1769  # one whole processor: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
KEY_LENGTH = 64


class ErasureQueue(Construct):
    """The queue, its dead-letter queue, and the secret with which identifiers of erased people are hashed.

    The secret's policy outlives the stack wherever data does: without it no tombstone is known any more.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._days = stage.tombstone_days
        self._rosters = tuple(sorted({schedule.roster for schedule in stage.schedules}))
        self.queue = work_queue(self, "Queue", visibility=VISIBILITY, deliveries=DELIVERIES)
        self.dead_letters = dead_letters_of(self.queue)
        secret = secretsmanager.CfnSecret(
            self,
            "Key",
            description="Key of the hashes of erased people's identifiers; made once, never shown",
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=KEY_LENGTH, exclude_punctuation=True
            ),
        )
        acknowledge(secret, "SMG4", "every tombstone names the version that made it: a new one is put when one leaks")
        secret.apply_removal_policy(removal_policy(stage))
        self.key_arn = secret.attr_id
        output(self, "ErasureQueueUrl", self.queue.queue_url)
        output(self, "ErasureDeadLetterQueueUrl", self.dead_letters.queue_url)
        output(self, "ErasureSecretId", self.key_arn)

    def key_settings(self, settings: Settings) -> Settings:
        """Add what a function must know that fetches users: nobody erased is among them."""
        return replace(settings, erasure_secret_id=self.key_arn)

    def ask_settings(self, settings: Settings) -> Settings:
        """Add what the function must know that takes erasures."""
        url = self.queue.queue_url
        return replace(self.key_settings(settings), erasure_queue_url=url, tombstone_days=self._days)

    def serve_settings(self, settings: Settings) -> Settings:
        """Add what the function that serves the queue must know."""
        own = replace(self.ask_settings(settings), erasure_dead_letter_queue_url=self.dead_letters.queue_url)
        return replace(own, scheduled_rosters=self._rosters)

    def key_grants(self) -> list[Grant]:
        """Return what a function does here that fetches users."""
        return [Grant("ErasureKey", READ_SECRETS, [self.key_arn])]

    def ask_grants(self) -> list[Grant]:
        """Return what the function that takes erasures does here."""
        return [*self.key_grants(), Grant("Erase", SEND_MESSAGES, [self.queue.queue_arn])]

    def serve_grants(self) -> list[Grant]:
        """Return what the function that serves the queue does here; it goes on by a message to itself."""
        return [
            *self.key_grants(),
            Grant("Receive", CONSUME_MESSAGES, [self.queue.queue_arn]),
            Grant("Send", SEND_MESSAGES, [self.queue.queue_arn, self.dead_letters.queue_arn]),
        ]


class OnErasure(Construct):
    """The function, whose zip is that of `on_results`, and how SQS hands messages to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        release: Release,
        queue: ErasureQueue,
        grants: Iterable[Grant],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = LookupFunction(
            self,
            "OnErasure",
            module="on_erasure",
            release=release,
            grants=[*queue.serve_grants(), *grants],
            timeout=TIMEOUT,
            memory_mb=MEMORY_MB,
            feeds_itself=True,  # a search goes on, and is repeated, by messages to itself
        ).function
        # The bare mapping: `SqsEventSource` would also grant, and the role is written by hand.
        lambda_.EventSourceMapping(
            self,
            "Erasures",
            target=self.function,
            event_source_arn=queue.queue.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=ERASURES_AT_ONCE,
        )
