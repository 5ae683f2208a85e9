"""Promises about who invokes whom: no function comes back to itself but for the one that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.template import Properties, Template, listed

Edges = set[tuple[str, str]]

# What a function may do that starts something else, by the action that its role allows.
STARTS = {
    "sqs:SendMessage",
    "lambda:InvokeFunction",
    "events:PutEvents",
    "sns:Publish",
    "s3:PutObject",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
}
# Types of resources that send work to a function or a queue, and are followed here.
FOLLOWED = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Version",
    "AWS::S3::Bucket",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Scheduler::Schedule",
}
# Services whose resources start nothing by themselves. The HTTP API does for who calls it, which no role may.
INERT = {"ApiGatewayV2", "Athena", "Cognito", "EC2", "Glue", "Logs::LogGroup", "Logs::ResourcePolicy"} | {
    "CloudWatch::Dashboard",
    "Lambda::Permission",
    "S3::BucketPolicy",
    "SNS::TopicPolicy",
    "SQS::QueuePolicy",
    "SSM",
    "Scheduler::ScheduleGroup",
    "SecretsManager",
}


def pointed_at(value: object) -> Iterator[str]:
    """The logical ids that a value refers to, however deep."""
    if isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            yield str(value["Ref"])
        elif set(value) == {"Fn::GetAtt"}:
            yield str(value["Fn::GetAtt"][0])
        else:
            for part in value.values():
                yield from pointed_at(part)
    elif isinstance(value, list):
        for part in value:
            yield from pointed_at(part)


def edges(template: Template) -> Edges:
    """The call graph: functions what they may send to, and resources the functions behind them."""
    return {
        *_of_roles(template),
        *_of_targets(template, "AWS::Lambda::EventSourceMapping", "EventSourceArn", "FunctionName"),
        *_of_rules(template),
        *_of_schedules(template),
        *_of_dead_letters(template),
        *_of_subscriptions(template),
        *_of_aliases(template),
    }


def _of_roles(template: Template) -> Iterator[tuple[str, str]]:
    for name, function in template.of_type("AWS::Lambda::Function").items():
        for statement in template.statements(template.attribute(function["Role"])):
            if STARTS & set(listed(statement["Action"])):
                yield from ((name, target) for target in pointed_at(statement["Resource"]))
            if "iam:PassRole" in listed(statement["Action"]):  # with this role its schedules start what the role may
                yield from ((name, role) for role in pointed_at(statement["Resource"]))


def _of_targets(template: Template, kind: str, source: str, target: str) -> Iterator[tuple[str, str]]:
    for properties in template.of_type(kind).values():
        yield from ((one, other) for one in pointed_at(properties[source]) for other in pointed_at(properties[target]))


def _of_rules(template: Template) -> Iterator[tuple[str, str]]:
    for rule in template.of_type("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            yield from ((bus, to) for bus in pointed_at(rule["EventBusName"]) for to in pointed_at(target))


def _of_schedules(template: Template) -> Iterator[tuple[str, str]]:
    for name, role in template.of_type("AWS::IAM::Role").items():
        if "scheduler.amazonaws.com" in str(role["AssumeRolePolicyDocument"]):
            for statement in template.statements(name):
                yield from ((name, target) for target in pointed_at(statement["Resource"]))


def _of_dead_letters(template: Template) -> Iterator[tuple[str, str]]:
    for kind in ("AWS::Lambda::Function", "AWS::SQS::Queue"):
        for name, properties in template.of_type(kind).items():
            for key in ("DeadLetterConfig", "RedrivePolicy"):
                yield from ((name, target) for target in pointed_at(properties.get(key, {})))


def _of_subscriptions(template: Template) -> Iterator[tuple[str, str]]:
    yield from (
        edge
        for edge in _of_targets(template, "AWS::SNS::Subscription", "TopicArn", "Endpoint")
        if edge[1] in template.of_type("AWS::Lambda::Function")
    )
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        yield from ((name, target) for target in pointed_at(bucket.get("NotificationConfiguration", {})))
    for kind in ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"):
        for name, table in template.of_type(kind).items():
            assert "StreamSpecification" not in table, f"{name} has a stream: follow it here"


def _of_aliases(template: Template) -> Iterator[tuple[str, str]]:
    """An alias resolves to a version, and that to the function; alarms and what an invocation ends as start others."""
    for kind, start in (("AWS::Lambda::Alias", "FunctionVersion"), ("AWS::Lambda::Version", "FunctionName")):
        for name, properties in template.of_type(kind).items():
            yield from ((name, target) for target in pointed_at(properties[start]))
    for properties in template.of_type("AWS::Lambda::EventInvokeConfig").values():
        ends = properties.get("DestinationConfig", {})
        yield from ((one, to) for one in pointed_at(properties["FunctionName"]) for to in pointed_at(ends))
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for name, alarm in template.of_type(kind).items():
            yield from ((name, target) for target in pointed_at(alarm.get("AlarmActions", [])))


def reached(start: str, graph: Edges) -> set[str]:
    """Everything that `start` sets going, itself too if it comes back."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        for target in {target for source, target in graph if source == here} - found:
            found.add(target)
            waiting.append(target)
    return found


def modules(template: Template) -> Mapping[str, str]:
    """Modules of the functions by logical id."""
    return {
        name: found["Handler"].partition(".")[0] for name, found in template.of_type("AWS::Lambda::Function").items()
    }


def allowed(properties: Properties) -> bool:
    return bool(properties.get("RecursiveLoop", "Terminate") == "Allow")


def test_every_cycle_is_declared(template: Template) -> None:
    """The functions that are set going by what they send are those with `RecursiveLoop: Allow`."""
    graph, names = edges(template), modules(template)
    looping = {names[function] for function in names if function in reached(function, graph)}
    declared = {module for module, properties in template.functions().items() if allowed(properties)}
    assert looping == declared == {"on_queue", "on_results", "on_erasure"}


def test_the_graph_sees_the_ways_that_there_are(local: Template) -> None:
    """Requests and ticks set `on_queue` going through the parts queue, and a request a schedule's firing."""
    graph = edges(local)
    names = {module: name for name, module in modules(local).items()}
    assert names["on_queue"] in reached(names["on_request"], graph)
    assert names["on_queue"] in reached(names["on_schedule"], graph)
    assert names["on_schedule"] in reached(names["on_request"], graph)
    assert names["on_request"] not in reached(names["on_queue"], graph)


def test_there_is_no_way_that_is_not_looked_at(full: Template) -> None:
    """A kind of resource that the stack did not have before is followed first, or known to start nothing."""
    kinds = {resource["Type"] for resource in full.resources.values()} - FOLLOWED
    parts = {kind: kind.removeprefix("AWS::") for kind in kinds}
    assert {kind for kind, part in parts.items() if not {part, part.partition("::")[0]} & INERT} == set()


def test_an_alias_is_its_function(local: Template) -> None:
    """A queue whose mapping names an alias sets its function going all the same."""
    names = {module: name for name, module in modules(local).items()}
    (alias,) = [name for name in local.of_type("AWS::Lambda::Alias") if name.startswith("OnSchedule")]
    assert names["on_schedule"] in reached(alias, edges(local))


def test_an_undeclared_cycle_is_found(local: Template) -> None:
    """A bucket that notifies a function that writes to it, and a second queue back, are cycles."""
    names = {module: name for name, module in modules(local).items()}
    (bucket,) = [name for name in local.of_type("AWS::S3::Bucket") if name.startswith("StorageBucket")]
    resources: dict[str, Any] = {name: dict(found) for name, found in local.resources.items()}
    target = {"Fn::GetAtt": [names["on_schedule"], "Arn"]}
    properties = dict(resources[bucket]["Properties"])
    properties["NotificationConfiguration"] = {"LambdaConfigurations": [{"Event": "s3:*", "Function": target}]}
    resources[bucket]["Properties"] = properties
    changed = Template(local.path, resources, local.outputs)
    assert names["on_schedule"] in reached(names["on_schedule"], edges(changed))
    assert names["on_schedule"] not in reached(names["on_schedule"], edges(local))


@pytest.mark.parametrize(
    ("graph", "start", "found"),
    [
        ({("a", "b"), ("b", "c")}, "a", {"b", "c"}),
        ({("a", "b"), ("b", "a")}, "a", {"a", "b"}),
        ({("a", "a")}, "a", {"a"}),
        ({("b", "a")}, "a", set()),
    ],
)
def test_what_is_reached(graph: Edges, start: str, found: set[str]) -> None:
    """A start is among what it reaches only when something leads back to it."""
    assert reached(start, graph) == found
