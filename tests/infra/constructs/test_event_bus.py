"""Promises about the event bus."""

from __future__ import annotations

from lookup.results.events import SOURCE
from tests.infra.template import Template, text


def test_events_go_to_a_bus_of_the_stage_s_own(template: Template) -> None:
    """The functions name the stage's bus, which the outputs name too; nothing is told on the account's default bus."""
    bus = template.only("AWS::Events::EventBus")
    assert bus["Name"] == f"moengage-lookup-{template.stage}"
    for function in template.functions().values():
        assert function["Environment"]["Variables"]["EVENT_BUS_NAME"] == bus["Name"]
    assert {"EventBusName", "UndeliveredEventsQueueUrl", "EventLogGroupName"} <= set(template.outputs)


def test_an_event_that_cannot_be_delivered_is_kept(template: Template) -> None:
    """The bus and its rule lay undelivered events on one dead-letter queue."""
    (target,) = template.only("AWS::Events::Rule")["Targets"]
    bus = template.only("AWS::Events::EventBus")
    queues = {template.attribute(kept["DeadLetterConfig"]["Arn"]) for kept in (bus, target)}
    assert [queue[:-8] for queue in queues] == ["NoticesUndelivered"]


def test_only_this_bus_and_its_rule_use_the_queue(template: Template) -> None:
    """EventBridge may send to the dead-letter queue for the stage's bus and rule, nobody else may."""
    _, policy = template.named("AWS::SQS::QueuePolicy", "NoticesUndelivered")
    (allowed,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    sources = [template.attribute(arn)[:-8] for arn in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert sources in (["NoticesRule", "NoticesBus"], ["NoticesBus", "NoticesRule"])


def test_every_event_is_kept_in_a_log_group(template: Template) -> None:
    """The rule takes all that the functions tell, and its target is the group itself, not the ARN of its streams."""
    rule = template.only("AWS::Events::Rule")
    assert rule["EventPattern"] == {"source": [SOURCE]}
    assert template.attribute(rule["EventBusName"])[:-8] == "NoticesBus"
    (target,) = rule["Targets"]
    arn = text(target["Arn"])
    assert ":log-group:NoticesLog" in arn
    assert not arn.endswith(":*")


def test_only_the_rule_writes_to_the_log_group(template: Template) -> None:
    """The log group's policy lets EventBridge create streams in this group, and write for this rule."""
    policy = template.only("AWS::Logs::ResourcePolicy")
    document = text(policy["PolicyDocument"])
    assert policy["PolicyName"] == f"moengage-lookup-{template.stage}-events"
    assert '"logs:PutLogEvents"' in document
    assert '"aws:SourceArn":["NoticesRule' in document
    assert document.count("NoticesLog") == 2
