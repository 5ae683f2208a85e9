"""CPU of a payload of 20 users on the whole bulk pipeline, beside a script that only makes the same calls."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
import urllib3
from botocore.exceptions import ClientError

import on_queue
import on_request
from infra.local.ministack.process import REGION, EmbeddedAws
from lookup.model import PART_LIMIT, PAYLOAD_LIMIT
from lookup.wiring.clients import CONFIG, S3_CONFIG
from tests.benchmarks.cost.profiles import profile
from tests.benchmarks.cost.scenarios import posted
from tests.benchmarks.cost.stage import UNHURRIED, as_functions
from tests.benchmarks.light.serving import serve
from tests.benchmarks.light.split import Split
from tests.benchmarks.light.stage import Deployed, ample_stage
from tests.lambda_context import LambdaContext
from tests.lookup.stage import SECRET, Stage

PARTS, WARMING = 20, 4
Call = tuple[str, str, dict[str, Any]]  # service, operation, arguments


@dataclass
class Recorded:
    """The AWS calls of some parts, in order; those of their submission and of warming come first."""

    calls: list[Call] = field(default_factory=list)
    before: int = 0

    def note(self, params: Any, model: Any, **_: Any) -> None:
        """Remember a call before botocore changes its arguments."""
        arguments = {name: value for name, value in params.items() if name != "VersionId"}  # each stage has its own
        self.calls.append((model.service_model.service_name, model.name, copy.deepcopy(arguments)))


@dataclass(frozen=True, slots=True)
class Payloads:
    """CPU seconds of one payload, ours and the bare script's; `split` are shares of ours; `calls` of one payload."""

    own: float
    bare: float
    split: Mapping[str, float]
    calls: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """Return ours in units of the bare script's."""
        return round(self.own / self.bare, 3)

    @property
    def users_per_second_and_core(self) -> float:
        """Return how many users one core serves a second."""
        return round(PAYLOAD_LIMIT / self.own, 1)


def measured(server: EmbeddedAws, parts: int = PARTS) -> Payloads:
    """Serve a roster on stages of its own: timed, then recorded, then split, then replayed by the bare script."""
    with _stage(server, parts) as deployed:
        own = _served(deployed.stage, parts)
    recorded = Recorded()
    with _stage(server, parts) as deployed:
        for handler in (on_request, on_queue):
            handler.services().session.events.register("provide-client-params.*", recorded.note)
        _served(deployed.stage, parts, recorded=recorded)
        recorded_account = _account(deployed.stage)
    split = Split()
    with _stage(server, parts) as deployed, split.watch():
        total = _served(deployed.stage, parts, split=split)
    with _stage(server, parts) as deployed:
        bare = Bare(deployed, recorded_account).replayed(recorded, parts)
    number = parts * PART_LIMIT / PAYLOAD_LIMIT
    calls = Counter(f"{service} {name}" for service, name, _ in recorded.calls[recorded.before :])
    return Payloads(
        own / number,
        bare / number,
        split.shares(total),
        {name: round(times / number, 2) for name, times in sorted(calls.items())},
    )


@contextmanager
def _stage(server: EmbeddedAws, parts: int) -> Iterator[Deployed]:
    """Deploy a stage in this process's environment, with a roster of so many parts beside those for warming."""
    with ample_stage(server, UNHURRIED) as deployed, as_functions(deployed.stage):
        for name in _names(parts):
            deployed.vendor.set_user(name, profile(name), exact=True)
        yield deployed


def _names(parts: int) -> list[str]:
    return [f"customer-{number:07}" for number in range((parts + WARMING) * PART_LIMIT)]


def _account(stage: Stage) -> str:
    credentials = stage.session.get_credentials()
    return credentials.access_key if credentials else ""


def _served(stage: Stage, parts: int, *, recorded: Recorded | None = None, split: Split | None = None) -> float:
    """Submit a roster and serve it; return the CPU seconds of the parts after the warming ones."""
    roster_id = uuid4().hex if recorded is None else "recorded"
    body = b"customer_id\n" + "".join(f"{name}\n" for name in _names(parts)).encode()
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key=f"rosters/acme/{roster_id}", Body=body)
    answer = on_request.handler(posted({"roster_id": roster_id}), LambdaContext())
    if answer["statusCode"] != 202:
        raise RuntimeError(f"not submitted: {answer['statusCode']}")
    for _ in range(WARMING):
        serve(stage)
    if recorded is not None:
        recorded.before = len(recorded.calls)
    if split is not None:
        split.begin()
    return sum(serve(stage) for _ in range(parts))


class Bare:
    """The script: plain boto3 and urllib3, the recorded calls one after the other."""

    def __init__(self, deployed: Deployed, recorded_account: str) -> None:
        stage = deployed.stage
        self._vendor = f"{deployed.vendor.endpoint_url}/v1/customers/export?app_id={SECRET['workspace_id']}"
        self._pool = urllib3.PoolManager()
        self._stage = stage
        self._accounts = recorded_account, _account(stage)
        session = boto3.Session(_account(stage), "test", region_name=REGION)
        names: tuple[Any, ...] = ("dynamodb", "s3", "sqs", "events", "secretsmanager", "ssm")
        self._clients: dict[str, Any] = {
            name: session.client(name, config=S3_CONFIG if name == "s3" else CONFIG) for name in names
        }
        self._clients["eventbridge"] = self._clients["events"]
        self.failed = 0

    def replayed(self, recorded: Recorded, parts: int) -> float:
        """Make the calls; return the CPU seconds of those after the first ones, and of as many requests of MoEngage."""
        body = b"customer_id\n" + "".join(f"{name}\n" for name in _names(parts)).encode()
        self._stage.s3.put_object(Bucket=self._stage.settings.bucket_name, Key="rosters/acme/recorded", Body=body)
        calls = [self._prepared(call) for call in recorded.calls]
        for call in calls[: recorded.before]:
            self._call(*call)
        names = _names(parts)[WARMING * PART_LIMIT :]
        payloads = [names[start : start + PAYLOAD_LIMIT] for start in range(0, len(names), PAYLOAD_LIMIT)]
        self._request(names[:PAYLOAD_LIMIT])
        started = time.process_time()
        for call in calls[recorded.before :]:
            self._call(*call)
        for payload in payloads:
            self._request(payload)
        return time.process_time() - started

    def _prepared(self, call: Call) -> tuple[Any, dict[str, Any]]:
        """Return the method of a client, and its arguments with this stage's names."""
        service, operation, arguments = call
        client = self._clients[service]
        method = next(name for name, known in client.meta.method_to_api_mapping.items() if known == operation)
        own = dict(arguments)
        if "Bucket" in own:
            own["Bucket"] = self._stage.settings.bucket_name
        if "QueueUrl" in own:
            own["QueueUrl"] = own["QueueUrl"].replace(*self._accounts)
        return getattr(client, method), own

    def _call(self, method: Any, arguments: dict[str, Any]) -> None:
        try:
            answer = method(**arguments)
        except ClientError:
            self.failed += 1
            return
        if "Body" in answer:
            answer["Body"].read()

    def _request(self, payload: list[str]) -> None:
        identifiers = [{"identifier_type": "customer_id", "identifier": name} for name in payload]
        key = f"{SECRET['workspace_id']}:{SECRET['data_api_key']}"
        answer = self._pool.request(
            "POST",
            self._vendor,
            body=json.dumps({"data": {"identifiers": identifiers}}),
            headers={"Content-Type": "application/json", **urllib3.make_headers(basic_auth=key)},
        )
        if len(json.loads(answer.data)["data"]["users"]) != len(payload):
            raise RuntimeError("the bare script was refused")
