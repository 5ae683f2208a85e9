"""What a function's role allows, as readable rows. Every row becomes one statement of the role's own policy.

CDK's `grant_*` methods are not used: they write wildcards and more actions than the functions call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

READ_SECRETS = ("secretsmanager:GetSecretValue",)
READ_AND_WRITE_PROFILES = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
# A transaction needs the permission of each thing it does; there is no action of its own.
KEEP_THE_LEDGER = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
READ_OBJECTS = ("s3:GetObject",)
READ_AND_WRITE_OBJECTS = ("s3:GetObject", "s3:PutObject")
SEND_MESSAGES = ("sqs:SendMessage",)
CONSUME_MESSAGES = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
)
WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
WRITE_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
INVOKE = ("lambda:InvokeFunction",)

# Actions for which AWS offers no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
WITHOUT_RESOURCE = frozenset(WRITE_TRACES)


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement: a name, exact actions, exact resources (ARNs, possibly with a key prefix of a bucket)."""

    name: str
    actions: Sequence[str]
    resources: Sequence[str]


def policy(grants: Sequence[Grant]) -> iam.PolicyDocument:
    """Write grants as a policy."""
    statements = [
        iam.PolicyStatement(sid=grant.name, actions=list(grant.actions), resources=list(grant.resources))
        for grant in grants
    ]
    return iam.PolicyDocument(statements=statements, minimize=False)
