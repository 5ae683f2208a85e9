"""What a role must not do is denied to its own credentials; what it may do is not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.ministack.process import ACCOUNT, REGION
from tests.local.enforced.conftest import Enforced

DENIED = {"AccessDenied", "AccessDeniedException"}
PROFILE = {"identifier": {"S": "C-1"}, "scope": {"S": "default#customer_id"}}
LEDGER = {"pk": {"S": "gate#default"}, "sk": {"S": "gate"}}
OTHER_TARGET = {"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other", "RoleArn": "SCHEDULER_ROLE"}

# (service, operation, arguments); words in capitals are replaced by what is deployed.
Call = tuple[str, str, dict[str, Any]]
READ_SECRET: Call = ("secretsmanager", "get_secret_value", {"SecretId": "SECRET"})
WRITE_SECRET: Call = ("secretsmanager", "put_secret_value", {"SecretId": "SECRET", "SecretString": "{}"})
OTHER_SECRET: Call = ("secretsmanager", "get_secret_value", {"SecretId": "somebody/elses"})
SCAN: Call = ("dynamodb", "scan", {"TableName": "PROFILES"})
DELETE_PROFILE: Call = ("dynamodb", "delete_item", {"TableName": "PROFILES", "Key": PROFILE})
READ_PROFILES: Call = ("dynamodb", "batch_get_item", {"RequestItems": {"PROFILES": {"Keys": [PROFILE]}}})
READ_LEDGER: Call = ("dynamodb", "get_item", {"TableName": "LEDGER", "Key": LEDGER})
SCAN_LEDGER: Call = ("dynamodb", "scan", {"TableName": "LEDGER"})
DROP_LEDGER: Call = ("dynamodb", "delete_table", {"TableName": "LEDGER"})
LIST_BUCKET: Call = ("s3", "list_objects_v2", {"Bucket": "BUCKET"})
READ_RESULT: Call = ("s3", "get_object", {"Bucket": "BUCKET", "Key": "parts/one"})
READ_UNMATCHED: Call = ("s3", "get_object", {"Bucket": "BUCKET", "Key": "unmatched/one"})
DELETE_RESULT: Call = ("s3", "delete_object", {"Bucket": "BUCKET", "Key": "parts/one"})
WRITE_RESULT: Call = ("s3", "put_object", {"Bucket": "BUCKET", "Key": "parts/one", "Body": b"1"})
WRITE_ROSTER: Call = ("s3", "put_object", {"Bucket": "BUCKET", "Key": "rosters/one", "Body": b"1"})
WRITE_UNPACKED: Call = ("s3", "put_object", {"Bucket": "BUCKET", "Key": "rosters/unpacked/one", "Body": b"1"})
WRITE_ELSEWHERE: Call = ("s3", "put_object", {"Bucket": "BUCKET", "Key": "elsewhere", "Body": b"1"})
RECEIVE_INTAKE: Call = ("sqs", "receive_message", {"QueueUrl": "INTAKE", "VisibilityTimeout": 0})
RECEIVE_PARTS: Call = ("sqs", "receive_message", {"QueueUrl": "PARTS", "VisibilityTimeout": 0})
SEND_INTAKE: Call = ("sqs", "send_message", {"QueueUrl": "INTAKE", "MessageBody": "C-1"})
PURGE_PARTS: Call = ("sqs", "purge_queue", {"QueueUrl": "PARTS"})
RECEIVE_DEAD: Call = ("sqs", "receive_message", {"QueueUrl": "DEAD"})
SEND_WEBHOOK: Call = ("sqs", "send_message", {"QueueUrl": "WEBHOOKS", "MessageBody": "{}"})
RECEIVE_WEBHOOKS: Call = ("sqs", "receive_message", {"QueueUrl": "WEBHOOKS", "VisibilityTimeout": 0})
READ_LEDGER_ITEMS: Call = ("dynamodb", "batch_get_item", {"RequestItems": {"LEDGER": {"Keys": [LEDGER]}}})
SEND_FIRINGS: Call = ("sqs", "send_message", {"QueueUrl": "FIRINGS", "MessageBody": "{}"})
READ_GRANTS: Call = ("ssm", "get_parameter", {"Name": "/moengage-lookup/local/partners"})
WRITE_GRANTS: Call = (
    "ssm", "put_parameter", {"Name": "/moengage-lookup/local/partners", "Value": "{}", "Overwrite": True},
)  # fmt: skip
TELL: Call = ("events", "put_events", {"Entries": [{"EventBusName": "BUS", "Source": "s", "DetailType": "d",
                                                    "Detail": "{}"}]})  # fmt: skip
TELL_OTHERS: Call = ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]})
INVOKE: Call = ("lambda", "invoke", {"FunctionName": "ON_REQUEST", "InvocationType": "DryRun"})
INVOKE_SCHEDULED: Call = ("lambda", "invoke", {"FunctionName": "ON_SCHEDULE", "InvocationType": "DryRun"})
GET_SCHEDULE: Call = ("scheduler", "get_schedule", {"GroupName": "GROUP", "Name": "feeder-tick"})
OTHER_SCHEDULE: Call = ("scheduler", "get_schedule", {"GroupName": "default", "Name": "feeder-tick"})
ASSUME: Call = ("sts", "assume_role", {"RoleArn": "SCHEDULER_ROLE", "RoleSessionName": "borrowed"})
WRITE_POLICY: Call = ("iam", "put_role_policy", {"RoleName": "any", "PolicyName": "p", "PolicyDocument": "{}"})
READ_CLIENT: Call = ("cognito-idp", "list_user_pool_clients", {"UserPoolId": "POOL"})

FORBIDDEN = {
    "OnRequestRole": [
        WRITE_SECRET, OTHER_SECRET, SCAN, DELETE_PROFILE, SCAN_LEDGER, DROP_LEDGER, DELETE_RESULT,
        READ_UNMATCHED, WRITE_ELSEWHERE, RECEIVE_INTAKE, RECEIVE_PARTS, PURGE_PARTS,
        WRITE_GRANTS, TELL_OTHERS, INVOKE, OTHER_SCHEDULE, WRITE_POLICY, READ_CLIENT,
    ],
    "OnQueueRole": [
        WRITE_SECRET, OTHER_SECRET, SCAN, DELETE_PROFILE, SCAN_LEDGER, DROP_LEDGER, DELETE_RESULT,
        READ_UNMATCHED, WRITE_ROSTER, WRITE_ELSEWHERE, SEND_INTAKE, PURGE_PARTS, RECEIVE_DEAD, READ_GRANTS,
        WRITE_GRANTS, TELL_OTHERS, INVOKE, GET_SCHEDULE, WRITE_POLICY, READ_CLIENT,
    ],
    "OnScheduleRole": [
        READ_SECRET, WRITE_SECRET, SCAN, READ_PROFILES, DELETE_PROFILE, SCAN_LEDGER, DROP_LEDGER,
        READ_RESULT, WRITE_RESULT, WRITE_ROSTER, WRITE_UNPACKED, WRITE_ELSEWHERE, RECEIVE_INTAKE, RECEIVE_PARTS,
        SEND_INTAKE, WRITE_GRANTS, TELL_OTHERS, INVOKE, GET_SCHEDULE, WRITE_POLICY, READ_CLIENT,
    ],
    "OnConversionRole": [
        READ_SECRET, WRITE_SECRET, SCAN, READ_PROFILES, DELETE_PROFILE, SCAN_LEDGER, DROP_LEDGER,
        READ_RESULT, WRITE_RESULT, WRITE_ROSTER, WRITE_ELSEWHERE, RECEIVE_INTAKE, RECEIVE_PARTS, SEND_INTAKE,
        WRITE_GRANTS, TELL_OTHERS, INVOKE, GET_SCHEDULE, WRITE_POLICY, READ_CLIENT,
    ],
    "OnWebhookRole": [
        READ_SECRET, WRITE_SECRET, OTHER_SECRET, SCAN, READ_PROFILES, DELETE_PROFILE, READ_LEDGER, SCAN_LEDGER,
        DROP_LEDGER, LIST_BUCKET, READ_RESULT, WRITE_RESULT, WRITE_ROSTER, RECEIVE_INTAKE, RECEIVE_PARTS, SEND_INTAKE,
        SEND_WEBHOOK, WRITE_GRANTS, TELL, TELL_OTHERS, INVOKE, GET_SCHEDULE, WRITE_POLICY, READ_CLIENT,
    ],
    "SchedulerRole": [
        READ_SECRET, READ_PROFILES, READ_LEDGER, LIST_BUCKET, READ_RESULT, WRITE_ROSTER, RECEIVE_PARTS, SEND_INTAKE,
        READ_GRANTS, TELL, INVOKE, GET_SCHEDULE, WRITE_POLICY,
    ],
}  # fmt: skip
ALLOWED = {
    "OnRequestRole": [
        READ_SECRET, READ_PROFILES, READ_LEDGER, WRITE_ROSTER, LIST_BUCKET, READ_GRANTS, TELL, GET_SCHEDULE,
        RECEIVE_DEAD,
    ],
    "OnQueueRole": [
        READ_SECRET, READ_PROFILES, READ_LEDGER, WRITE_RESULT, READ_RESULT, RECEIVE_INTAKE, RECEIVE_PARTS, TELL,
    ],
    "OnScheduleRole": [READ_LEDGER, READ_GRANTS, SEND_FIRINGS, TELL],
    "OnConversionRole": [READ_LEDGER, WRITE_UNPACKED],
    "OnWebhookRole": [READ_GRANTS, READ_LEDGER_ITEMS, RECEIVE_WEBHOOKS],
    "SchedulerRole": [INVOKE_SCHEDULED, SEND_FIRINGS],
}  # fmt: skip


def filled(enforced: Enforced, value: Any) -> Any:
    """Put what is deployed where the table has its word."""
    if isinstance(value, dict):
        return {filled(enforced, key): filled(enforced, one) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(enforced, one) for one in value]
    words = {
        "SECRET": "SecretDefaultId", "PROFILES": "ProfilesTableName", "LEDGER": "LedgerTableName",
        "BUCKET": "BucketName", "INTAKE": "IntakeQueueUrl", "PARTS": "PartsQueueUrl",
        "DEAD": "PartsDeadLetterQueueUrl", "FIRINGS": "FailedFiringsQueueUrl", "BUS": "EventBusName",
        "ON_REQUEST": "OnRequestFunctionName", "ON_SCHEDULE": "OnScheduleFunctionName",
        "WEBHOOKS": "WebhookQueueUrl", "GROUP": "ScheduleGroupName", "SCHEDULER_ROLE": "SchedulerRoleArn",
        "POOL": "UserPoolId",
    }  # fmt: skip
    return enforced.stage.outputs[words[value]] if isinstance(value, str) and value in words else value


def outcomes_of(enforced: Enforced, role: str, calls: list[Call]) -> dict[str, str]:
    """Try the calls with the role's credentials; return the error code of each, `done` when there was none."""
    session, outcomes = enforced.assume(role), {}
    for service, operation, arguments in calls:
        call = f"{operation} {sorted(arguments.items(), key=str)}"
        try:
            getattr(enforced.client(service, session), operation)(**filled(enforced, arguments))
            outcomes[call] = "done"
        except ClientError as error:
            outcomes[call] = error.response["Error"]["Code"]
    return outcomes


@pytest.mark.parametrize("role", FORBIDDEN)
def test_what_a_role_must_not_do_is_denied(role: str, enforced: Enforced) -> None:
    """Each action of the table, tried with the role's own credentials, ends in AccessDenied."""
    outcomes = outcomes_of(enforced, role, FORBIDDEN[role])
    assert len(outcomes) == len(FORBIDDEN[role])
    assert {call: code for call, code in outcomes.items() if code not in DENIED} == {}


@pytest.mark.parametrize("role", ALLOWED)
def test_what_a_role_is_for_is_not_denied(role: str, enforced: Enforced) -> None:
    """The same credentials may do what the role is for: what is denied is denied by its policy."""
    enforced.put_secrets_and_grants()
    assert set(outcomes_of(enforced, role, ALLOWED[role]).values()) == {"done"}


def test_no_role_can_be_taken_by_another(enforced: Enforced) -> None:
    """A function's credentials cannot be turned into the scheduler's."""
    session = enforced.assume("OnRequestRole")
    service, operation, arguments = ASSUME
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(enforced.client(service, session), operation)(**filled(enforced, arguments))


def test_an_unknown_key_is_nobody(enforced: Enforced) -> None:
    """IAM is enforced at all: a key that no role, user or account owns is refused."""
    session = type(enforced.server.session())("AKIAUNKNOWNKEY000000", "wrong", region_name=REGION)
    with pytest.raises(ClientError, match=r"UnrecognizedClient|InvalidClientTokenId|AccessDenied"):
        enforced.client("dynamodb", session).scan(TableName=enforced.stage.outputs["LedgerTableName"])
