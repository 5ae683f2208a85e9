"""One stage for a test: all deployed resources, in an AWS account and a MoEngage workspace of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID
from lookup.quota import Quota
from lookup.settings import Settings, Workspace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

REGION = "eu-central-1"
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


def table(client: DynamoDBClient, name: str, *, partition_key: str, sort_key: str) -> str:
    """Create a table with two text keys; give its name."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": partition_key, "AttributeType": "S"},
            {"AttributeName": sort_key, "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": partition_key, "KeyType": "HASH"},
            {"AttributeName": sort_key, "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def queue(client: SQSClient, name: str) -> str:
    """Create a queue; give its URL."""
    return client.create_queue(QueueName=name)["QueueUrl"]


def fifo_queue(client: SQSClient, name: str) -> str:
    """Create a FIFO queue; give its URL."""
    return client.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


@contextmanager
def deployed(session: boto3.Session, moengage_endpoint_url: str | None) -> Iterator[Stage]:
    """Create everything a stage has, with the simulator's credentials in the secret of workspace `default`."""
    services: tuple[Any, ...] = ("dynamodb", "s3", "sqs", "secretsmanager")
    clients: list[Any] = [session.client(service, region_name=REGION) for service in services]
    dynamodb, s3, sqs, secretsmanager = clients
    bucket = f"lookup-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    secretsmanager.create_secret(Name=SECRET_ID, SecretString=json.dumps(SECRET))
    secretsmanager.create_secret(Name=ERASURE_SECRET_ID, SecretString="key of the hashes")
    settings = Settings(
        stage="test",
        bucket_name=bucket,
        profiles_table_name=table(dynamodb, "profiles", partition_key="identifier", sort_key="scope"),
        ledger_table_name=table(dynamodb, "ledger", partition_key="pk", sort_key="sk"),
        intake_queue_url=queue(sqs, "intake"),
        parts_queue_url=queue(sqs, "parts"),
        intake_dead_letter_queue_url=queue(sqs, "intake-dead-letter"),
        parts_dead_letter_queue_url=queue(sqs, "parts-dead-letter"),
        conversion_queue_url=fifo_queue(sqs, "conversions"),
        conversion_dead_letter_queue_url=fifo_queue(sqs, "conversions-dead-letter"),
        answers_queue_url=queue(sqs, "answers"),
        results_queue_url=queue(sqs, "results"),
        results_dead_letter_queue_url=queue(sqs, "results-dead-letter"),
        webhook_queue_url=queue(sqs, "webhooks"),
        webhook_dead_letter_queue_url=queue(sqs, "webhooks-dead-letter"),
        erasure_queue_url=queue(sqs, "erasures"),
        erasure_dead_letter_queue_url=queue(sqs, "erasures-dead-letter"),
        erasure_secret_id=ERASURE_SECRET_ID,
        event_bus_name="default",
        partners_parameter_name="/moengage-lookup/test/partners",
        workspaces={"default": Workspace(secret_id=SECRET_ID, quota=UNHURRIED)},
        moengage_endpoint_url=moengage_endpoint_url,
        schedule_group_name="group",
        schedule_role_arn="arn:aws:iam::123456789012:role/scheduler",
        schedule_target_arn="arn:aws:lambda:eu-central-1:123456789012:function:on_schedule",
        schedule_dead_letter_queue_arn="arn:aws:sqs:eu-central-1:123456789012:failed-firings",
    )
    try:
        yield Stage(settings, session, dynamodb, s3, sqs, secretsmanager)
    finally:
        for client in clients:
            client.close()
