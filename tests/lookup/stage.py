"""One stage for a test: all deployed resources, in an AWS account and a MoEngage workspace of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from infra.local.ministack.process import REGION
from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID
from lookup.quota import Quota
from lookup.settings import Settings, Workspace
from lookup.wiring.clients import lazy
from tests.lookup.new_account import NewAccount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SECRET_ID = "moengage/default"
ERASURE_SECRET_ID = "erasures"
SECRET = {"workspace_id": WORKSPACE_ID, "data_api_key": DATA_API_KEY, "data_center": "01"}

# A grant may be used for seconds instead of half of one: a busy machine is slow between the gate and the call.
UNHURRIED = Quota(send_spread=19.0, guard=20.0)


@dataclass(frozen=True)
class Stage:
    """What is deployed, the settings that name it, and a client of each service."""

    settings: Settings
    session: boto3.Session
    dynamodb: DynamoDBClient
    s3: S3Client
    sqs: SQSClient
    secretsmanager: SecretsManagerClient

    def messages(self, queue_url: str) -> list[MessageTypeDef]:
        """Take everything visible off a queue."""
        taken: list[MessageTypeDef] = []
        while batch := self._receive(queue_url):
            taken += batch
        return taken

    def _receive(self, queue_url: str) -> list[MessageTypeDef]:
        answer = self.sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of the bucket's objects, sorted."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.settings.bucket_name, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))


@contextmanager
def deployed(session: boto3.Session, moengage_endpoint_url: str | None) -> Iterator[Stage]:
    """Create everything a stage has, with the simulator's credentials in the secret of workspace `default`."""
    settings = _created(session, moengage_endpoint_url)
    services: tuple[Any, ...] = ("dynamodb", "s3", "sqs", "secretsmanager")
    with ExitStack() as used:

        def client(service: Any) -> Any:
            return used.enter_context(closing(session.client(service, region_name=REGION)))

        yield Stage(settings, session, *(lazy(partial(client, service)) for service in services))


def _created(session: boto3.Session, moengage_endpoint_url: str | None) -> Settings:
    account = NewAccount(session, os.environ["AWS_ENDPOINT_URL"])
    settings = Settings(
        stage="test",
        bucket_name=account.bucket(f"lookup-{uuid4().hex}"),
        profiles_table_name=account.table("profiles", partition_key="identifier", sort_key="scope"),
        ledger_table_name=account.table("ledger", partition_key="pk", sort_key="sk"),
        intake_queue_url=account.queue("intake"),
        parts_queue_url=account.queue("parts"),
        intake_dead_letter_queue_url=account.queue("intake-dead-letter"),
        parts_dead_letter_queue_url=account.queue("parts-dead-letter"),
        conversion_queue_url=account.queue("conversions.fifo"),
        conversion_dead_letter_queue_url=account.queue("conversions-dead-letter.fifo"),
        answers_queue_url=account.queue("answers"),
        results_queue_url=account.queue("results"),
        results_dead_letter_queue_url=account.queue("results-dead-letter"),
        webhook_queue_url=account.queue("webhooks"),
        webhook_dead_letter_queue_url=account.queue("webhooks-dead-letter"),
        erasure_queue_url=account.queue("erasures"),
        erasure_dead_letter_queue_url=account.queue("erasures-dead-letter"),
        erasure_secret_id=account.secret(ERASURE_SECRET_ID, "key of the hashes"),
        event_bus_name="default",
        partners_parameter_name="/moengage-lookup/test/partners",
        workspaces={"default": Workspace(secret_id=account.secret(SECRET_ID, json.dumps(SECRET)), quota=UNHURRIED)},
        moengage_endpoint_url=moengage_endpoint_url,
        schedule_group_name="group",
        schedule_role_arn="arn:aws:iam::123456789012:role/scheduler",
        schedule_target_arn="arn:aws:lambda:eu-central-1:123456789012:function:on_schedule",
        schedule_dead_letter_queue_arn="arn:aws:sqs:eu-central-1:123456789012:failed-firings",
    )
    account.close()
    return settings
