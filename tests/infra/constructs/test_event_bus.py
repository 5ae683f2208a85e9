"""Promises about the event bus."""

from __future__ import annotations

from lookup.results.events import SOURCE
from tests.infra.template import Template, listed, text


def test_events_go_to_a_bus_of_the_stage_s_own(template: Template) -> None:
    """The functions name the stage's bus, which the outputs name too; nothing goes to the account's default bus."""
    bus = template.only("AWS::Events::EventBus")
    assert bus["Name"] == f"moengage-lookup-{template.stage}"
    for function in template.functions().values():
        assert function["Environment"]["Variables"]["EVENT_BUS_NAME"] == bus["Name"]
    assert {"EventBusName", "UndeliveredEventsQueueUrl", "EventLogGroupName"} <= set(template.outputs)


def test_an_event_that_cannot_be_delivered_is_kept(template: Template) -> None:
    """The bus and its rules lay undelivered events on one dead-letter queue."""
    targets = [one for rule in template.of_type("AWS::Events::Rule").values() for one in rule["Targets"]]
    assert len(targets) == 2
    bus = template.only("AWS::Events::EventBus")
    queues = {template.attribute(kept["DeadLetterConfig"]["Arn"]) for kept in (bus, *targets)}
    assert [queue[:-8] for queue in queues] == ["NoticesUndelivered"]


def test_only_this_bus_and_its_rule_use_the_queue(template: Template) -> None:
    """EventBridge may send to the dead-letter queue for the stage's bus and rules, no other principal may."""
    assert senders_to("NoticesUndelivered", template) == {"NoticesRule", "NoticesBus", "ResultsEnded"}


def test_the_end_of_a_lookup_comes_to_the_results_queue(template: Template) -> None:
    """A rule puts each lookup's end, and each export asked for, on the results queue; nothing else may send there."""
    _, rule = template.named("AWS::Events::Rule", "ResultsEnded")
    assert rule["EventPattern"] == {"source": [SOURCE], "detail-type": ["Lookup Completed", "Export Requested"]}
    (target,) = rule["Targets"]
    assert (template.attribute(target["Arn"])[:-8], target["InputPath"]) == ("ResultsQueue", "$.detail")
    assert senders_to("ResultsQueuePolicy", template) == {"ResultsEnded"}


def senders_to(name: str, template: Template) -> set[str]:
    """The rules and buses for which EventBridge may send to a queue."""
    _, policy = template.named("AWS::SQS::QueuePolicy", name)
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    for one in allowed:
        assert (one["Principal"], one["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    sources = [arn for one in allowed for arn in listed(one["Condition"]["ArnEquals"]["aws:SourceArn"])]
    return {template.attribute(arn)[:-8] for arn in sources}


def test_every_event_is_kept_in_a_log_group(template: Template) -> None:
    """The rule takes all that the functions tell, and its target is the group itself, not the ARN of its streams."""
    _, rule = template.named("AWS::Events::Rule", "NoticesRule")
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
