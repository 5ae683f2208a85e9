"""A run's environment: a stage in an AWS account of its own, its vendor, and a queue that keeps the stage's events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import boto3

from infra.local.simulator.process import (
    WORKSPACE_ID,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from infra.local.simulator.users.population import Population
from tests.benchmarks.feeder.stage import environment_of
from tests.chaos.entries import CUSTOMER
from tests.chaos.http_events import CLIENT_ID, PARTNER, roster_key
from tests.chaos.orders import Orders
from tests.chaos.plan import Size
from tests.lookup.stage import Stage, deployed

NOT_FOUND_SHARE = 0.1
LATENCY = 0.03  # real seconds, the mean of the vendor's answers


@dataclass(frozen=True)
class Environment:
    """A stage with everything around it. `events_url` is the queue of published events; `population` who exists."""

    stage: Stage
    vendor: Simulator
    events_url: str
    population: Population

    @property
    def variables(self) -> dict[str, str]:
        """What a function instance finds in its environment."""
        endpoint = str(self.stage.sqs.meta.endpoint_url)
        return environment_of(self.stage) | {"AWS_ENDPOINT_URL": endpoint, "POWERTOOLS_LOG_LEVEL": "INFO"}


@contextmanager
def opened(session: boto3.Session, size: Size, orders: Orders) -> Iterator[Environment]:
    """Set up an environment in the session's account: the vendor knows the canaries, the bucket holds the rosters."""
    population = Population(NOT_FOUND_SHARE)
    with Simulator(config=_vendor(size)) as vendor, deployed(session, vendor.endpoint_url) as bare:
        workspace = replace(bare.settings.workspaces["default"], quota=size.quota)
        stage = replace(bare, settings=replace(bare.settings, workspaces={"default": workspace}))
        _grant(stage)
        _put_rosters(stage, orders)
        for name in orders.canaries:
            attributes = {"nickname": canary_of(name), "u_em": f"{canary_of(name)}@example.com"}
            vendor.set_user(name, attributes)
            population.set_user(WORKSPACE_ID, (CUSTOMER, name), attributes, exact=False)
        _collect_what_ended(stage)
        yield Environment(stage, vendor, _queue_of_events(stage), population)


def canary_of(customer_id: str) -> str:
    """Return the attribute value that must not leak."""
    return f"CANARY-USER-{customer_id[::-1]}"


def canaries(orders: Orders) -> Sequence[str]:
    """Return all attribute values that must not leak."""
    return [canary_of(name) for name in orders.canaries]


def _vendor(size: Size) -> SimulatorConfig:
    """Return the strictest vendor: a true sliding window, which does not return when there will be room."""
    quota = QuotaConfig(mode="sliding", limit=size.limit, window=size.window, reset="absent")
    return SimulatorConfig(
        workspaces={WORKSPACE_ID: WorkspaceConfig(quota=quota)},
        latency=LatencyConfig(mean=LATENCY),
        not_found_share=NOT_FOUND_SHARE,
    )


def _grant(stage: Stage) -> None:
    grants = {CLIENT_ID: {"name": PARTNER, "workspaces": ["default"], "fields": None, "weight": 1, "erase": 1000}}
    name = stage.settings.partners_parameter_name
    stage.session.client("ssm").put_parameter(Name=name, Value=json.dumps(grants), Type="String")


def _put_rosters(stage: Stage, orders: Orders) -> None:
    for listed in orders.listed:
        if listed.channel != "inline":
            stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=roster_key(listed.name), Body=listed.body)


def _queue_of_events(stage: Stage) -> str:
    """Send every event of the stage's bus to a queue; return its URL."""
    url = stage.sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events = stage.session.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["moengage-lookup"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "events", "Arn": arn}])
    return url


def _collect_what_ended(stage: Stage) -> None:
    """Send what each end of a lookup, and each export, says to the results queue, as the rule of the stack does."""
    url = stage.settings.results_queue_url or ""
    arn = stage.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events = stage.session.client("events")
    pattern = {"source": ["moengage-lookup"], "detail-type": ["Lookup Completed", "Export Requested"]}
    events.put_rule(Name="ended", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ended", Targets=[{"Id": "results", "Arn": arn, "InputPath": "$.detail"}])
