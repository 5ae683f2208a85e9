"""One run: a vendor of its own, a table of its own, real processes; and what it leaves behind."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

import boto3

from infra.local.ministack.process import REGION, EmbeddedAws
from infra.local.ports import free_port
from infra.local.simulator.process import (
    WORKSPACE_ID,
    Arrival,
    LatencyConfig,
    QuotaConfig,
    Simulator,
    SimulatorConfig,
    WorkspaceConfig,
)
from tests.benchmarks.gate.caller import Record
from tests.benchmarks.gate.contenders import Contender
from tests.benchmarks.gate.plan import LATENCY, Plan
from tests.benchmarks.gate.token_bucket import create_bucket
from tests.benchmarks.gate.workers import READY_SECONDS, Post, bulk, on_demand

_numbers = itertools.count(1)
LOOK_SECONDS = 2.0  # between two looks at the vendor's log


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left behind: the vendor's log, and the records of the callers. `started` is epoch seconds."""

    contender: Contender
    plan: Plan
    started: float
    arrivals: list[Arrival]
    records: list[Record]


Watch = Callable[[float, list[Arrival]], None]  # called with the seconds that have passed and the newest arrivals


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """Return the variables by which every client, the peers' own too, finds the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "100000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
    }


@contextmanager
def embedded_aws(log_path: Path) -> Iterator[EmbeddedAws]:
    """Run the embedded AWS and let this process and its children find it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with EmbeddedAws(port=free_port(), log_path=log_path) as aws:
        os.environ |= aws_environment(aws.endpoint_url)
        yield aws


def run(contender: Contender, plan: Plan, watch: Watch) -> Run:
    """Carry out a plan with one contender. Raises RuntimeError when a process fails."""
    table = f"benchmark-{next(_numbers)}"
    _create_table(contender, plan, table)
    with tempfile.TemporaryDirectory() as folder, Simulator(config=_vendor(plan)) as vendor:
        processes = _Processes(contender, plan, vendor.endpoint_url, table, Path(folder))
        try:
            started = processes.start()
            _await(processes, started, plan, vendor, watch)
        finally:
            processes.end()
        return Run(contender, plan, started, vendor.arrivals(), processes.records())


def _create_table(contender: Contender, plan: Plan, table: str) -> None:
    session = boto3.Session()
    if contender.bucket is not None:
        create_bucket(session, table, plan, *contender.bucket(plan.quota))
        return
    session.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )


def _vendor(plan: Plan) -> SimulatorConfig:
    """Return the strictest vendor: a true sliding window, which says nothing of when there will be room."""
    quota = QuotaConfig(mode="sliding", limit=plan.quota.limit, window=plan.quota.window, reset="absent")
    return SimulatorConfig(
        workspaces={WORKSPACE_ID: WorkspaceConfig(quota=quota)},
        latency=LatencyConfig(mean=plan.real(LATENCY)),
        log_identifiers=False,
    )


def _await(processes: _Processes, started: float, plan: Plan, vendor: Simulator, watch: Watch) -> None:
    seen = 0
    while processes.are_running:
        time.sleep(min(LOOK_SECONDS, plan.quota.window / 2))
        newest = vendor.arrivals(since=seen)
        seen += len(newest)
        watch(time.time() - started, newest)


class _Processes:
    """The processes of a run. Spawned, so that they share nothing; ended by their own handles."""

    def __init__(self, contender: Contender, plan: Plan, vendor_url: str, table: str, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        numbers = range(plan.workers + (plan.on_demand_processes if plan.has_on_demand else 0))
        self._posts = [
            Post(contender.name, plan, vendor_url, table, number, folder / f"{number}.json") for number in numbers
        ]
        self._ready = context.Barrier(len(self._posts) + 1)
        self._job = None if plan.job_users is None else context.Value("i", plan.job_users)
        self._processes = [self._process(context, post) for post in self._posts]

    def _process(self, context: SpawnContext, post: Post) -> SpawnProcess:
        if post.number < post.plan.workers:
            return context.Process(target=bulk, args=(post, self._ready, self._job), daemon=True)
        return context.Process(target=on_demand, args=(post, self._ready), daemon=True)

    def start(self) -> float:
        """Start all, wait until all are ready, and return the moment (epoch seconds)."""
        for process in self._processes:
            process.start()
        self._ready.wait(READY_SECONDS)
        return time.time()

    @property
    def are_running(self) -> bool:
        """Whether any still works. Raises RuntimeError when one has failed."""
        failed = [process.exitcode for process in self._processes if process.exitcode not in {None, 0}]
        if failed:
            raise RuntimeError(f"{len(failed)} of the benchmark's processes failed; their messages are above")
        return any(process.is_alive() for process in self._processes)

    def end(self) -> None:
        """End the processes that still run."""
        for process in self._processes:
            if process.is_alive():
                process.terminate()
            if process.pid is not None:
                process.join()

    def records(self) -> list[Record]:
        """Read what the processes have written down."""
        texts = [post.records.read_text(encoding="utf-8") for post in self._posts]
        return [Record(*entry) for text in texts for entry in json.loads(text)]
