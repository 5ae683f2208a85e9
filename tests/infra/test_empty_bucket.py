"""What `make destroy` removes before the stack goes."""

from __future__ import annotations

import json

import boto3
import pytest

from infra.empty_bucket import empty
from lookup.errors import Misconfigured

TEMPLATE = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
    },
    "Outputs": {"BucketName": {"Value": {"Ref": "Bucket"}}},
}


@pytest.fixture
def bucket_name(aws: boto3.Session) -> str:
    client = aws.client("cloudformation")
    client.create_stack(StackName="moengage-lookup-dev", TemplateBody=json.dumps(TEMPLATE))
    client.get_waiter("stack_create_complete").wait(
        StackName="moengage-lookup-dev", WaiterConfig={"Delay": 1, "MaxAttempts": 10}
    )
    outputs = client.describe_stacks(StackName="moengage-lookup-dev")["Stacks"][0]["Outputs"]
    return outputs[0]["OutputValue"]


def test_every_version_goes(aws: boto3.Session, bucket_name: str) -> None:
    """Emptying removes old versions and delete markers too, or the bucket could not be deleted."""
    s3 = aws.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket_name, Key="results/a", Body=body)
    s3.put_object(Bucket=bucket_name, Key="rosters/b", Body=b"3")
    s3.delete_object(Bucket=bucket_name, Key="rosters/b")
    assert empty(aws, "dev") == 4
    left = s3.list_object_versions(Bucket=bucket_name)
    assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])


def test_a_stage_that_retains_its_data_is_never_emptied(aws: boto3.Session) -> None:
    """For prod nothing is even looked up: the command refuses."""
    with pytest.raises(Misconfigured, match="'prod' retains its data"):
        empty(aws, "prod")
