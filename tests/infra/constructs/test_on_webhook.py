"""Promises about the webhook queue, its rules, and the secrets of signing keys: stage `full` has a partner with one."""

from __future__ import annotations

import base64
import json
import string
from typing import Any

import boto3

from lookup.webhook_settings import SELECTABLE, parse_webhook
from lookup.webhooks.message import parse_message
from tests.infra.template import Template, text

FROM_US = {"source": ["moengage-lookup"]}
COUNTS = {"requested": 2, "found": 2, "not_found": 0, "invalid": 0, "failed": 0}
OF_A_LOOKUP = {"lookup_id": "l-1", "workspace": "default", "partner": "demo", "counts": COUNTS}
COMPLETED = OF_A_LOOKUP | {"state": "completed", "finished_at": "2026-11-29T02:00:00.000000Z"}
READY = OF_A_LOOKUP | {"files": 4, "bytes": 9, "changed": 2, "ready_at": "2026-11-29T02:01:00.000000Z"}
KINDS = ["Lookup Completed", "Results Ready", "Schedule Refused", "Webhook Test"]


def rule_of(template: Template, name: str) -> tuple[Any, Any]:
    """The pattern of a rule and its one target."""
    _, rule = template.named("AWS::Events::Rule", name)
    (target,) = rule["Targets"]
    assert template.attribute(target["Arn"])[:-8] == "WebhooksQueue"
    assert template.attribute(target["DeadLetterConfig"]["Arn"])[:-8] == "NoticesUndelivered"
    return rule["EventPattern"], target


def test_events_of_partners_with_a_webhook_come_to_the_queue(full: Template) -> None:
    """A rule takes what webhooks are for, of partners that have one, and groups it by partner."""
    pattern, target = rule_of(full, "WebhooksEvents")
    assert pattern == FROM_US | {"detail-type": KINDS, "detail": {"partner": ["demo"]}}
    assert target["SqsParameters"] == {"MessageGroupId": "$.detail.partner"}
    assert "InputTransformer" not in target


def test_changes_are_a_second_webhook(full: Template) -> None:
    """Results with changes come to the queue once more, as a kind of its own with the same detail."""
    pattern, target = rule_of(full, "WebhooksChanges")
    detail = {"partner": ["demo"], "changed": [{"numeric": [">", 0]}]}
    assert pattern == FROM_US | {"detail-type": ["Results Ready"], "detail": detail}
    assert target["SqsParameters"] == {"MessageGroupId": "$.detail.partner"}
    assert target["InputTransformer"]["InputPathsMap"] == {"detail": "$.detail"}
    ready = {"lookup_id": "l-1", "workspace": "default", "partner": "demo", "changed": 3, "ready_at": "2026-11-29"}
    written = target["InputTransformer"]["InputTemplate"].replace("<detail>", json.dumps(ready))
    assert parse_message(written).event.value == "profiles.changed"


def test_what_the_rules_put_on_the_queue(full: Template, aws: boto3.Session) -> None:
    """On an event bus the two rules make of each event the webhooks that it is, and none of another partner's."""
    events, sqs = aws.client("events"), aws.client("sqs")
    url = sqs.create_queue(QueueName="webhooks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for name in ("WebhooksEvents", "WebhooksChanges"):
        pattern, target = rule_of(full, name)
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        kept = {key: target[key] for key in ("InputTransformer", "SqsParameters") if key in target}
        events.put_targets(Rule=name, Targets=[{"Id": "webhooks", "Arn": arn, **kept}])  # type: ignore[list-item]  # as the template has it
    for kind, detail in (
        ("Lookup Completed", COMPLETED),
        ("Results Ready", READY),
        ("Results Ready", READY | {"changed": 0}),
        ("Results Ready", READY | {"partner": "quiet"}),
        ("Profiles Changed", {"partner": "demo", "changed": 2}),
        ("Webhook Test", {"partner": "demo", "test_id": "t-1", "requested_at": "2026-11-29T02:00:00.000000Z"}),
    ):
        entry = {"Source": "moengage-lookup", "DetailType": kind, "Detail": json.dumps(detail)}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0  # type: ignore[list-item]  # as it is
    bodies = [
        message["Body"]
        for _ in range(3)
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]
    found = sorted(parse_message(body).event.value for body in bodies)
    assert found == ["lookup.completed", "profiles.changed", "results.ready", "results.ready", "webhook.test"]


def test_without_a_webhook_there_is_no_rule_and_no_secret(template: Template) -> None:
    """Where no partner has a webhook nothing comes to the queue, and there is no key."""
    assert [name for name in template.of_type("AWS::Events::Rule") if name.startswith("Webhooks")] == []
    assert [name for name in template.of_type("AWS::SecretsManager::Secret") if name.startswith("Webhook")] == []


def test_the_first_key_is_made_by_secrets_manager(full: Template) -> None:
    """The template holds no key; what is made are letters and digits that are 33 bytes as base64."""
    name, secret = full.named("AWS::SecretsManager::Secret", "WebhookSecretsSecretDemo")
    made = secret["GenerateSecretString"]
    assert "SecretString" not in secret
    assert (made["SecretStringTemplate"], made["GenerateStringKey"]) == ("{}", "current")
    assert made["ExcludePunctuation"] is True
    assert sorted(made["ExcludeCharacters"]) == sorted(string.punctuation)
    assert len(base64.b64decode("a" * made["PasswordLength"], validate=True)) == 33
    assert full.outputs["WebhookSecretDemoId"]["Value"] == {"Fn::GetAtt": [name, "Id"]}


def test_only_on_webhook_reads_keys(full: Template) -> None:
    """The secrets of webhooks are read by the function that signs, those of workspaces are not."""
    readers: dict[str, set[str]] = {}
    for role in full.of_type("AWS::IAM::Role"):
        for statement in full.statements(role):
            if statement["Action"] == "secretsmanager:GetSecretValue":
                readers.setdefault(role[:-8], set()).add(text(_first(statement["Resource"]))[:22])
    assert readers["OnWebhookRole"] == {"WebhookSecretsSecretDe"}
    assert all("Webhook" not in found for role in readers for found in readers[role] if role != "OnWebhookRole")


def _first(resources: Any) -> Any:
    return resources[0] if isinstance(resources, list) else resources


def test_the_parameter_names_webhooks(full: Template) -> None:
    """What the stage says of a webhook is read by the functions as it is written; others have no such key."""
    _, parameter = full.named("AWS::SSM::Parameter", "Grants")
    grants = json.loads("{" + text(parameter["Value"]).partition("{")[2])
    by_name = {one["name"]: one for one in grants.values()}
    webhook = parse_webhook(by_name["demo"]["webhook"])
    assert webhook.url == "https://hooks.example.com/moengage?key=1"
    assert tuple(webhook.events) == SELECTABLE
    assert webhook.secret_id.startswith("WebhookSecretsSecretDemo")
    assert "webhook" not in by_name["quiet"]


def test_one_message_at_a_time(full: Template) -> None:
    """A batch is one message, so that a receiver that hangs keeps no other waiting, and ten are sent at once."""
    _, mapping = full.named("AWS::Lambda::EventSourceMapping", "Webhooks")
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 10})
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert full.functions()["on_webhook"]["Timeout"] == 30
