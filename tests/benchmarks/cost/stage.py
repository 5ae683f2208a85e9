"""A stage whose functions run in this process, metered: the real handlers, the embedded AWS, the simulated MoEngage."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import boto3

from infra.local.ministack.process import REGION, EmbeddedAws
from infra.local.simulator.process import Simulator, SimulatorConfig, instant
from lookup.quota import Quota
from tests.benchmarks.cost.meter import Meter
from tests.benchmarks.cost.profiles import AttributesOf, profile
from tests.benchmarks.cost.reference import Processor
from tests.handlers.conftest import HANDLERS, forget
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage, deployed

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

CLIENT_ID = "3n4b5urk1ft4fl3mg5e62d9ado"
# As shallow a queue as the real quota keeps, and room for everybody: what waits at the gate is computed elsewhere. No
# grant comes too late to use, however busy the machine that counts is.
UNHURRIED = Quota(
    limit=100_000, window=15_000, pace_window=300, pace_factor=1e6, smooth_factor=1e6,
    send_spread=60.0, guard=61.0,
)  # fmt: skip
_accounts = itertools.count(600_000_000_000)


@dataclass
class Metered:
    """A stage, its meter, and the processor in the handlers of this process. `attributes` are a user's, by name."""

    stage: Stage
    simulator: Simulator
    meter: Meter
    processor: Processor = field(default_factory=Processor)
    invocations: int = 0
    attributes: AttributesOf = profile

    def users(self, names: list[str]) -> None:
        """Create these users, each with attributes of `PROFILE_BYTES`."""
        for name in names:
            self.simulator.set_user(name, self.attributes(name), exact=True)

    def invoke(self, handler: Any, event: Mapping[str, Any]) -> Any:
        """Run a handler as Lambda does; its log, its requests and its CPU time are counted."""
        self.invocations += 1
        with self.meter.log():
            started = time.process_time() - self.meter.cpu
            answer = handler(event, LambdaContext())
            took = time.process_time() - self.meter.cpu - started
        self.processor.add(took)
        return answer

    def take(self) -> MessageTypeDef | None:
        """Receive a part from the queue as the event source does, which is billed too."""
        url = self.stage.settings.parts_queue_url
        taken = self.stage.sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"]).get("Messages", [])
        if taken:
            self.meter.count_request("sqs", "ReceiveMessage", {}, {})
        return taken[0] if taken else None

    def done(self, message: MessageTypeDef) -> None:
        """Delete a message as the event source does."""
        url = self.stage.settings.parts_queue_url
        self.stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        self.meter.count_request("sqs", "DeleteMessage", {}, {})


@contextmanager
def metered(*, keep_profiles: bool = True, attributes: AttributesOf = profile) -> Iterator[Metered]:
    """Deploy a stage in the running embedded AWS (see `aws`), become its functions, and count."""
    session = boto3.Session(str(next(_accounts)), "test", region_name=REGION)
    config: SimulatorConfig = instant()
    with Simulator(config=config) as simulator, deployed(session, simulator.endpoint_url) as bare:
        workspace = replace(bare.settings.workspaces["default"], quota=UNHURRIED, keep_profiles=keep_profiles)
        stage = replace(bare, settings=replace(bare.settings, workspaces={"default": workspace}))
        grants = {CLIENT_ID: {"name": "acme", "workspaces": ["default"], "fields": None, "weight": 1}}
        session.client("ssm").put_parameter(
            Name=stage.settings.partners_parameter_name, Value=json.dumps(grants), Type="String"
        )
        with as_functions(stage):
            meter = Meter(stage.dynamodb)
            for handler in HANDLERS:
                meter.watch(handler.services().session)
            yield Metered(stage, simulator, meter, attributes=attributes)


@contextmanager
def aws(server: EmbeddedAws) -> Iterator[None]:
    """Point this process to the embedded AWS and nothing else."""
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_ENDPOINT_URL"] = server.endpoint_url
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def as_functions(stage: Stage) -> Iterator[None]:
    credentials = stage.session.get_credentials()
    environment = stage.settings.to_environment() | {
        "AWS_ACCESS_KEY_ID": str(credentials.access_key if credentials else None),
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup",
    }
    os.environ.update(environment)
    forget()
    try:
        yield
    finally:
        forget()
        for name in environment:
            os.environ.pop(name, None)
