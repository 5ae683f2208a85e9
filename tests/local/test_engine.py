"""The embedded AWS does what AWS does, where the service relies on it and bare MiniStack differs."""

from __future__ import annotations

import io
import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.ministack.process import EmbeddedAws
from infra.local.ports import free_port
from tests.waiting import GIVE_UP, until

REPORTER = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["REPORTS"], MessageBody=json.dumps(len(event["Records"])))
"""
WINDOW = 2  # seconds
ROLE = "arn:aws:iam::000000000000:role/any"


def new_queue(aws: boto3.Session) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid4().hex}")["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def taken(aws: boto3.Session, url: str) -> str | None:
    messages = aws.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
    return messages[0]["Body"] if messages else None


def send_ten(aws: boto3.Session, url: str) -> None:
    """Send ten messages at the same moment."""
    entries: Any = [{"Id": str(number), "MessageBody": "C-1"} for number in range(10)]
    aws.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)


def zipped(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("reporter.py", source)
    return buffer.getvalue()


def reporter(aws: boto3.Session, reports_url: str) -> str:
    """Deploy a function that reports the size of each batch it gets."""
    name = f"reporter-{uuid4().hex}"
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="reporter.handler",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": zipped(REPORTER)},
        Environment={"Variables": {"REPORTS": reports_url}},
    )
    return name


def test_a_batch_is_full_or_its_window_is_over(aws: boto3.Session) -> None:
    """30 of 40 messages sent one after another arrive together; those that fill no batch wait for the window."""
    reports_url, _ = new_queue(aws)
    source_url, source_arn = new_queue(aws)
    for _ in range(4):
        send_ten(aws, source_url)
    aws.client("lambda").create_event_source_mapping(
        FunctionName=reporter(aws, reports_url),
        EventSourceArn=source_arn,
        BatchSize=30,
        MaximumBatchingWindowInSeconds=WINDOW,
    )
    assert {until(lambda: taken(aws, reports_url)) for _ in range(2)} == {"30", "10"}
    sent_at = time.monotonic()
    send_ten(aws, source_url)
    assert until(lambda: taken(aws, reports_url)) == "10"
    assert time.monotonic() - sent_at >= WINDOW


def test_a_firing_knows_when_it_was_due(aws: boto3.Session) -> None:
    """EventBridge Scheduler writes the due time, not the time of firing, into the input."""
    url, arn = new_queue(aws)
    due = (datetime.now(UTC) + timedelta(seconds=1)).replace(microsecond=0)
    aws.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": json.dumps({"due": "<aws.scheduler.scheduled-time>", "n": "1"})},
    )
    body = until(lambda: taken(aws, url))
    assert json.loads(body) == {"due": f"{due:%Y-%m-%dT%H:%M:%SZ}", "n": "1"}


def test_the_engine_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    """When the other end of its standard input closes, the engine ends by itself."""
    with EmbeddedAws(port=free_port(), log_path=tmp_path / "aws.log") as server:
        assert server.process is not None
        assert server.process.stdin is not None
        server.process.stdin.close()
        server.process.wait(GIVE_UP)
        assert server.process.returncode is not None


def test_a_range_of_a_version_is_that_range(aws: boto3.Session) -> None:
    """A ranged read of a pinned version returns the requested bytes; beyond the end it fails."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="ranges", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="ranges", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="ranges", Key="a", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket="ranges", Key="a", Body=b"newer, and longer than before")
    answer = s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range="bytes=3-6")
    assert (answer["Body"].read(), answer["ContentRange"]) == (b"3456", "bytes 3-6/10")
    assert s3.get_object(Bucket="ranges", Key="a", VersionId=version)["Body"].read() == b"0123456789"
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="ranges", Key="a", VersionId=version, Range="bytes=10-12")
