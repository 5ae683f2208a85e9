"""What each role may do: exactly this table, and nothing in the stack writes a wildcard."""

from __future__ import annotations

import re

import pytest

from tests.infra.template import Template, listed, text

GET, PUT = {"s3:GetObject"}, {"s3:PutObject"}
GET_VERSIONS = {"s3:GetObject", "s3:GetObjectVersion"}
PROFILES = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"}
LEDGER = {
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
CONSUME = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
SEND = {"sqs:SendMessage"}
COUNT = {"sqs:GetQueueAttributes"}
PUT_EVENTS = {"events:PutEvents"}
KEEP_SCHEDULES = {
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:GetSchedule",
    "scheduler:UpdateSchedule",
}
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}

ERASE = GET_VERSIONS | PUT | {"s3:DeleteObjectVersion"}

# Role → resource (start of its logical id, and the key prefix of a bucket or the group of schedules) → actions.
ALLOWED = {
    "OnRequestRole": {
        "StorageProfiles": PROFILES,
        "StorageLedger": LEDGER,
        "StorageBucket/parts/*": GET | PUT,
        "StorageBucket/results/*": GET,
        "StorageBucket/oversize/*": GET | PUT,
        "StorageBucket/unmatched/*": PUT,
        "StorageBucket": {"s3:ListBucket", "s3:ListBucketVersions"},
        "StorageBucket/rosters/*": GET_VERSIONS | PUT | {"s3:DeleteObjectVersion", "s3:PutObjectTagging"},
        "CredentialsSecretDefault": {"secretsmanager:GetSecretValue"},
        "OnRequestPartnersGrants": {"ssm:GetParameter"},
        "OnRequestPartnersConsole": {"ssm:GetParameter"},
        "QueuesIntake": SEND,
        "ResultsQueue": SEND,
        "QueuesIntakeDeadLetters": CONSUME,
        "QueuesPartsDeadLetters": CONSUME,
        "ConversionsQueueDeadLetters": CONSUME,
        "ResultsQueueDeadLetters": CONSUME,
        "ErasuresQueueDeadLetters": CONSUME,
        "WebhooksQueueDeadLetters": COUNT,
        "AnswersQueueDeadLetters": CONSUME,
        "OnScheduleFailedFirings": COUNT,
        "NoticesUndelivered": COUNT,
        "QueuesParts": SEND,
        "AnswersQueue": SEND,
        "ConversionsQueue": SEND,
        "ErasuresKey": {"secretsmanager:GetSecretValue"},
        "ErasuresQueue": SEND,
        "NoticesBus": PUT_EVENTS,
        "schedule/moengage-lookup-STAGE/*": KEEP_SCHEDULES,
        "*": {"scheduler:ListSchedules"},
        "OnScheduleSchedulerRole": {"iam:PassRole"},
        "OnRequestLog": LOG,
    },
    "OnQueueRole": {
        "StorageProfiles": PROFILES,
        "StorageLedger": LEDGER,
        "StorageBucket/parts/*": GET | PUT,
        "StorageBucket/oversize/*": GET | PUT,
        "StorageBucket/unmatched/*": PUT,
        "StorageBucket": {"s3:ListBucket"},
        "StorageBucket/rosters/*": GET_VERSIONS,
        "CredentialsSecretDefault": {"secretsmanager:GetSecretValue"},
        "ErasuresKey": {"secretsmanager:GetSecretValue"},
        "QueuesIntake": CONSUME,
        "QueuesParts": CONSUME | SEND,
        "QueuesIntakeDeadLetters": SEND,
        "AnswersQueue": CONSUME,
        "QueuesPartsDeadLetters": SEND,
        "NoticesBus": PUT_EVENTS,
        "OnQueueLog": LOG,
    },
    "OnScheduleRole": {
        "StorageLedger": LEDGER,
        "StorageBucket": {"s3:ListBucket"},
        "StorageBucket/parts/*": {"s3:DeleteObject"},
        "StorageBucket/rosters/*": GET_VERSIONS,
        "ConversionsQueue": SEND,
        "ResultsQueue": SEND,
        "CredentialsSecretDefault": {"secretsmanager:DescribeSecret"},
        "parameter/moengage-lookup/STAGE/partners": {"ssm:GetParameter"},
        "QueuesParts": SEND,
        "NoticesBus": PUT_EVENTS,
        "OnScheduleFailedFirings": SEND,
        "OnScheduleLog": LOG,
    },
    "OnConversionRole": {
        "StorageLedger": LEDGER,
        "StorageBucket": {"s3:ListBucket"},
        "StorageBucket/rosters/*": GET_VERSIONS,
        "StorageBucket/rosters/unpacked/*": {"s3:AbortMultipartUpload"} | PUT,
        "parameter/moengage-lookup/STAGE/partners": {"ssm:GetParameter"},
        "ConversionsQueue": CONSUME,
        "ConversionsQueueDeadLetters": SEND,
        "NoticesBus": PUT_EVENTS,
        "OnConversionLog": LOG,
    },
    "OnResultsRole": {
        "StorageLedger": LEDGER - {"dynamodb:GetItem"},
        "StorageBucket": {"s3:ListBucket"},
        "StorageBucket/parts/*": GET,
        "StorageBucket/results/*": GET | PUT | {"s3:AbortMultipartUpload", "s3:DeleteObject"},
        "ResultsQueue": CONSUME | SEND,
        "ResultsQueueDeadLetters": SEND,
        "NoticesBus": PUT_EVENTS,
        "OnResultsLog": LOG,
    },
    "OnWebhookRole": {
        "StorageLedger": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "parameter/moengage-lookup/STAGE/partners": {"ssm:GetParameter"},
        "WebhooksQueue": CONSUME,
        "WebhooksQueueDeadLetters": SEND,
        "OnWebhookLog": LOG,
    },
    "OnErasureRole": {
        "StorageProfiles": {"dynamodb:DeleteItem", "dynamodb:GetItem"},
        "StorageLedger": LEDGER - {"dynamodb:ConditionCheckItem", "dynamodb:GetItem"},
        "StorageBucket": {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
        **{f"StorageBucket/{one}/*": ERASE for one in ("parts", "results", "oversize", "unmatched")},
        "StorageBucket/rosters/*": ERASE | {"s3:PutObjectTagging"},
        "StorageBucket/queries/*": ERASE - PUT,
        "StorageBucket/erasures/*": PUT,
        "ErasuresKey": {"secretsmanager:GetSecretValue"},
        "ErasuresQueue": CONSUME | SEND,
        "ErasuresQueueDeadLetters": SEND,
        "OnErasureLog": LOG,
    },
    "OnScheduleSchedulerRole": {
        "OnScheduleFunction": {"lambda:InvokeFunction"},
        "OnScheduleTick": {"lambda:InvokeFunction"},
        "OnScheduleFailedFirings": SEND,
    },
}


def _resource(written: object) -> str:
    """`StorageBucket5CB7C8EA.Arn/results/*` → `StorageBucket/results/*`; an ARN that is written out → its end."""
    if text(written).startswith("arn:"):
        end = text(written).rpartition(":")[2]
        return end.removeprefix("parameter")[:-8] if re.fullmatch(r"parameter\w+", end) else end
    name, slash, prefix = text(written).partition("/")
    return name if name == "*" else name.partition(".")[0][:-8] + slash + prefix


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_allows_exactly_its_table(role: str, template: Template) -> None:
    """Every role allows the table's actions on the table's resources, and nothing else."""
    role_id = next(name for name in template.of_type("AWS::IAM::Role") if name[:-8] == role)
    found: dict[str, set[str]] = {}
    for statement in template.statements(role_id):
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            name = re.sub(rf"\b{template.stage}/", "STAGE/", _resource(resource))
            found.setdefault(name, set()).update(listed(statement["Action"]))
    assert found == ALLOWED[role]


def test_there_is_no_role_beside_the_table(template: Template) -> None:
    """No construct brings a role or policy of its own."""
    assert {name[:-8] for name in template.of_type("AWS::IAM::Role")} == set(ALLOWED)
    assert template.of_type("AWS::IAM::Policy") == {}
    assert template.of_type("AWS::IAM::ManagedPolicy") == {}
    assert all("ManagedPolicyArns" not in role for role in template.of_type("AWS::IAM::Role").values())


def test_wildcards_only_where_aws_offers_no_resource(template: Template) -> None:
    """No action holds `*`; the resource `*` is only for actions for which AWS has no resource."""
    from infra.constructs.iam import WITHOUT_RESOURCE  # noqa: PLC0415 - begins Node

    for role_id in template.of_type("AWS::IAM::Role"):
        for statement in template.statements(role_id):
            actions = listed(statement["Action"])
            assert not [action for action in actions if "*" in action]
            if "*" in listed(statement["Resource"]):
                assert set(actions) <= WITHOUT_RESOURCE


def test_only_the_scheduler_is_passed_a_role(template: Template) -> None:
    """One role only may be passed, by one function only, and to EventBridge Scheduler only."""
    passing = [
        (role_id[:-8], statement)
        for role_id in template.of_type("AWS::IAM::Role")
        for statement in template.statements(role_id)
        if "iam:PassRole" in listed(statement["Action"])
    ]
    ((role, statement),) = passing
    assert role == "OnRequestRole"
    assert template.attribute(statement["Resource"]).startswith("OnScheduleSchedulerRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_the_scheduler_role_serves_this_group_only(template: Template) -> None:
    """Only schedules of this stage's group, in this account, may use the scheduler's role."""
    _, role = template.named("AWS::IAM::Role", "SchedulerRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    condition = trust["Condition"]["StringEquals"]
    group = template.only("AWS::Scheduler::ScheduleGroup")["Name"]
    assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert text(condition["aws:SourceArn"]).endswith(f":schedule-group/{group}")


def test_only_the_api_may_invoke_from_outside(template: Template) -> None:
    """Lambda permissions name API Gateway, and each names one route of this API."""
    keys = [str(route["RouteKey"]) for route in template.of_type("AWS::ApiGatewayV2::Route").values()]
    paths = {key.partition(" ")[2] for key in keys}
    for permission in template.of_type("AWS::Lambda::Permission").values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert text(permission["SourceArn"]).partition("/*/*")[2] in paths
