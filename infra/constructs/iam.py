"""What a function's role allows, as readable rows. Every row becomes one statement of the role's own policy.

CDK's `grant_*` methods are not used: they write wildcards and more actions than the functions call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam

READ_SECRETS = ("secretsmanager:GetSecretValue",)
DESCRIBE_SECRETS = ("secretsmanager:DescribeSecret",)  # which version is the present one, not what it holds
READ_PARAMETERS = ("ssm:GetParameter",)
READ_AND_WRITE_PROFILES = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
# A transaction needs the permission of each thing it does; there is no action of its own.
KEEP_THE_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
# What collecting does with the ledger: nothing of a lookup itself is changed.
COLLECT_IN_THE_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
# What sending webhooks does with the ledger: a receiver and a delivery are read and written, no lookup is.
RECORD_WEBHOOKS = ("dynamodb:BatchGetItem", "dynamodb:UpdateItem")
# What erasing does: it reads how far lookups are, and writes its own items.
ERASE_IN_THE_LEDGER = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
ERASE_PROFILES = ("dynamodb:DeleteItem", "dynamodb:GetItem")
READ_OBJECTS = ("s3:GetObject",)
READ_VERSIONS = ("s3:GetObject", "s3:GetObjectVersion")  # a lookup keeps to the version that it began with
LIST_OBJECTS = ("s3:ListBucket",)  # without it S3 calls an object that is gone one that may not be read
WRITE_OBJECTS = ("s3:PutObject",)
WRITE_LARGE_OBJECTS = ("s3:AbortMultipartUpload", "s3:PutObject")
DELETE_OBJECTS = ("s3:DeleteObject",)  # in a bucket with versions that hides an object; its lifecycle deletes it
KEEP_OBJECTS = ("s3:DeleteObjectVersion", "s3:PutObjectTagging")  # a deletion is of every version
LIST_VERSIONS = ("s3:ListBucketVersions",)
LIST_UPLOADS = ("s3:ListBucketMultipartUploads",)
# A deletion is of exact versions; a PUT replaces what is left.
ERASE_OBJECTS = ("s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
SEND_MESSAGES = ("sqs:SendMessage",)
CONSUME_MESSAGES = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
)
COUNT_MESSAGES = ("sqs:GetQueueAttributes",)
WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
WRITE_FLOW_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
FIND_LOGS = ("logs:DescribeLogGroups",)
WRITE_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
INVOKE = ("lambda:InvokeFunction",)
PUT_EVENTS = ("events:PutEvents",)
PUBLISH = ("sns:Publish",)
KEEP_SCHEDULES = (
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:GetSchedule",
    "scheduler:UpdateSchedule",
)
LIST_SCHEDULES = ("scheduler:ListSchedules",)  # whatever group a call names, it is checked against `schedule/*/*`
PASS_ROLE = ("iam:PassRole",)
# What Lambda does with a function's role to place it in a VPC:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
JOIN_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)

# Actions for which AWS offers no resource:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
WITHOUT_RESOURCE = frozenset({*LIST_SCHEDULES, *WRITE_TRACES})


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement: a name, exact actions, exact resources (ARNs, possibly a bucket's prefix or a group's schedules).

    `only_when` are values that the request must have, by condition key. `reason` is why a resource has a wildcard.
    """

    name: str
    actions: Sequence[str]
    resources: Sequence[str]
    only_when: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def wildcards(self) -> list[str]:
        """Return the resources that are written with a wildcard. Raises `ValueError` when there is no reason."""
        found = [resource for resource in self.resources if "*" in resource]
        if found and not self.reason:
            raise ValueError(f"the grant {self.name} does not say why it has a wildcard")
        return found


def policy(grants: Sequence[Grant]) -> iam.PolicyDocument:
    """Write grants as a policy."""
    return iam.PolicyDocument(statements=[_statement(grant) for grant in grants], minimize=False)


def _statement(grant: Grant) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=grant.name,
        actions=list(grant.actions),
        resources=list(grant.resources),
        conditions={"StringEquals": dict(grant.only_when)} if grant.only_when else None,
    )
