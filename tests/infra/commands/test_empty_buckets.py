"""What `make destroy` removes before the stack goes."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest

from infra.commands.empty_buckets import empty, main
from lookup.errors import Misconfigured
from tests.infra.stacks import create

TEMPLATE = {
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "VersioningConfiguration": {"Status": "Enabled"},
                "LoggingConfiguration": {"DestinationBucketName": {"Ref": "AccessLogs"}},
            },
        },
        "AccessLogs": {"Type": "AWS::S3::Bucket"},
    },
}


@pytest.fixture
def bucket_names(aws: boto3.Session) -> dict[str, str]:
    client = aws.client("cloudformation")
    create(client, TEMPLATE)
    made = client.list_stack_resources(StackName="moengage-lookup-dev")["StackResourceSummaries"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made}


def test_every_version_goes(aws: boto3.Session, bucket_names: dict[str, str]) -> None:
    """Emptying removes old versions, delete markers and access logs too, or the buckets could not be deleted."""
    s3 = aws.client("s3")
    bucket_name = bucket_names["Bucket"]
    s3.put_object(Bucket=bucket_names["AccessLogs"], Key="2026-11-24-00-00-00-0", Body=b"log")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket_name, Key="results/a", Body=body)
    s3.put_object(Bucket=bucket_name, Key="rosters/b", Body=b"3")
    s3.delete_object(Bucket=bucket_name, Key="rosters/b")
    assert empty(aws, "dev") == 5
    for name in bucket_names.values():
        left = s3.list_object_versions(Bucket=name)
        assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])


def test_no_log_of_the_emptying_arrives(aws: boto3.Session, bucket_names: dict[str, str]) -> None:
    """S3 is configured to write no more access logs, which arrive late and would fill the emptied bucket again."""
    s3 = aws.client("s3")
    s3.put_bucket_logging(
        Bucket=bucket_names["Bucket"],
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket_names["AccessLogs"], "TargetPrefix": ""}},
    )
    empty(aws, "dev")
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket_names["Bucket"])


def test_a_stack_that_is_not_there_has_nothing_to_empty(aws: boto3.Session) -> None:
    """Destroying what was never deployed, or is gone already, deletes nothing and fails at nothing."""
    assert empty(aws, "dev") == 0


def test_a_stack_without_buckets_has_nothing_to_empty(aws: boto3.Session) -> None:
    """A first deployment that failed leaves a stack without outputs and buckets: nothing is deleted."""
    client = aws.client("cloudformation")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    client.create_stack(StackName="moengage-lookup-dev", TemplateBody=json.dumps(template))
    assert empty(aws, "dev") == 0


def test_a_stage_that_retains_its_data_is_never_emptied(aws: boto3.Session) -> None:
    """For prod nothing is even looked up: the command refuses."""
    with pytest.raises(Misconfigured, match="'prod' retains its data"):
        empty(aws, "prod")


def test_without_credentials_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without credentials the command prints one line and ends with 2, and the stack is not touched."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("STAGE", "dev")
    assert main() == 2
    assert capsys.readouterr().err == "Unable to locate credentials\n"
