"""What an idle stage costs: its resources, counted in the synthesised template, and its every minute."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lookup.telemetry import Metric
from tests.benchmarks.cost.prices import Item
from tests.benchmarks.cost.units import Usage, add

HOURS = 730  # of a month
MINUTES = HOURS * 60
POLLERS, POLL_SECONDS = (
    5,
    20,
)  # an SQS event source polls so often when the queue is empty (Lambda, "Using Lambda with SQS")
Resource = Mapping[str, Any]
Price = Callable[[Resource], Mapping[Item, float]]

# Charged for nothing but their use, which is counted elsewhere.
FREE = frozenset({
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::Athena::NamedQuery", "AWS::Athena::WorkGroup",
    "AWS::CDK::Metadata", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolResourceServer", "AWS::DynamoDB::Table", "AWS::EC2::InternetGateway", "AWS::EC2::Route",
    "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC", "AWS::EC2::VPCEndpoint", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::FlowLog",
    "AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Glue::Database", "AWS::Glue::Table", "AWS::IAM::Policy",
    "AWS::IAM::Role", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
    "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::Logs::QueryDefinition",
    "AWS::Logs::ResourcePolicy", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription",
    "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SSM::Parameter",
    "AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup",
})  # fmt: skip


def _alarm(properties: Resource) -> Mapping[Item, float]:
    looked_at = sum("MetricStat" in one for one in properties.get("Metrics", []))
    return {Item.ALARM: max(1, looked_at)}


def _app_client(properties: Resource) -> Mapping[Item, float]:
    """Charge those of machines: a client by which people sign in is free of charge, its people are not."""
    return {Item.APP_CLIENT: float("client_credentials" in properties.get("AllowedOAuthFlows", []))}


def _polling(_: Resource) -> Mapping[Item, float]:
    return {Item.SQS_REQUEST: POLLERS * 60 / POLL_SECONDS * MINUTES}


CHARGED: Mapping[str, Price] = {
    "AWS::SecretsManager::Secret": lambda _: {Item.SECRET: 1},
    "AWS::Cognito::UserPoolClient": _app_client,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": lambda _: {Item.COMPOSITE_ALARM: 1},
    "AWS::CloudWatch::Dashboard": lambda _: {Item.DASHBOARD: 1},
    "AWS::KMS::Key": lambda _: {Item.KEY: 1},
    "AWS::EC2::NatGateway": lambda _: {Item.NAT_HOUR: HOURS},
    "AWS::EC2::EIP": lambda _: {Item.ADDRESS_HOUR: HOURS},
    "AWS::Lambda::EventSourceMapping": _polling,
}


def monthly(template: Path, tick: Mapping[Item, float]) -> Usage:
    """Return a month's use of a stage; `tick` is what the feeder uses every minute. Raises `KeyError` for a type."""
    usage: Usage = {Item.METRIC: len(Metric)}
    add(usage, tick, MINUTES)
    resources: Mapping[str, Resource] = json.loads(template.read_text())["Resources"]
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Version":
            add(usage, _snapshot(resource, resources))
        elif resource["Type"] not in FREE:
            add(usage, CHARGED[resource["Type"]](resource.get("Properties", {})))
    return usage


def _snapshot(version: Resource, resources: Mapping[str, Resource]) -> Mapping[Item, float]:
    """Return what a version's snapshot costs, if its function keeps one."""
    function = resources[version["Properties"]["FunctionName"]["Ref"]]["Properties"]
    if function.get("SnapStart", {}).get("ApplyOn") != "PublishedVersions":
        return {}
    return {Item.SNAPSHOT_GB_SECOND: function["MemorySize"] / 1024 * HOURS * 3600}
