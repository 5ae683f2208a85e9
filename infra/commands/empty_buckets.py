"""Before `make destroy`: empties the stage's buckets, which CloudFormation cannot delete otherwise.

Only for stages that do not retain their data; a retained bucket outlives its stack as it is. The buckets are found
among the stack's resources: a stack whose first deployment failed has no outputs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.stage_settings.stage import SERVICE
from infra.stages import stage_named
from lookup.errors import Misconfigured

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

BUCKET = "AWS::S3::Bucket"
GONE = frozenset({"CREATE_FAILED", "DELETE_COMPLETE"})


def empty(session: boto3.Session, stage_name: str) -> int:
    """Delete every version of every object of the stage's buckets; return how many there were. Raises `Misconfigured`.

    S3 stops writing access logs first, or it would log the emptying into a bucket that is empty already.
    """
    if stage_named(stage_name, os.environ).retain:
        raise Misconfigured("STAGE", f"{stage_name!r} retains its data: nothing is deleted")
    buckets = _buckets(session, stage_name)
    for bucket in buckets:
        bucket.Logging().put(BucketLoggingStatus={})
    answers = [answer for bucket in buckets for answer in bucket.object_versions.delete()]
    return sum(len(answer.get("Deleted", [])) for answer in answers)


def main() -> int:
    """Empty the buckets of the stage that STAGE names."""
    try:
        gone = empty(boto3.Session(), os.environ.get("STAGE", "dev"))
    except (Misconfigured, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{gone} object versions deleted\n")
    return 0


def _buckets(session: boto3.Session, stage_name: str) -> list[Bucket]:
    stack = session.resource("cloudformation").Stack(f"{SERVICE}-{stage_name}")
    try:
        resources = list(stack.resource_summaries.all())
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    made = [one for one in resources if one.resource_type == BUCKET and one.resource_status not in GONE]
    return [session.resource("s3").Bucket(one.physical_resource_id) for one in made]


if __name__ == "__main__":
    sys.exit(main())
