"""What the processes of a run do: endless bulk work, a lone job, on-demand callers, bursts of them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import boto3

from infra.local.processes.lifeline import end_with_spawner
from lookup.model import PART_LIMIT, PAYLOAD_LIMIT, Lane
from tests.benchmarks.gate.caller import Caller, Record, client_factory
from tests.benchmarks.gate.contenders import CONTENDERS, Shared
from tests.benchmarks.gate.meter import Meter, Stop
from tests.benchmarks.gate.plan import BURST, ON_DEMAND_RATE, Plan
from tests.waiting import GIVE_UP

READY_SECONDS = GIVE_UP
BULK, STEADY, BURSTING = "bulk", "steady", "burst"


class Barrier(Protocol):
    """Where all processes of a run wait for each other."""

    def wait(self, timeout: float | None = None) -> int: ...


class Job(Protocol):
    """The users of a lone job that are not yet taken."""

    value: int

    def get_lock(self) -> threading.Lock: ...


@dataclass(frozen=True, slots=True)
class Post:
    """Where a process works: whose limiter, which vendor, which table, and the file its records go to."""

    contender: str
    plan: Plan
    vendor_url: str
    table: str
    number: int
    records: Path


class FeederStage:
    """What a process has made before the run starts, shared by its callers."""

    def __init__(self, post: Post, connections: int) -> None:
        self.chance = random.Random(post.number)
        self.plan = post.plan
        self._stop = Stop()
        self._meter = Meter(self._stop)
        shared = Shared(post.plan, self._meter, boto3.Session(), post.table, self.chance)
        self._limiter = CONTENDERS[post.contender].build(shared)
        self._client = client_factory(post.vendor_url, connections)
        self._records: list[Record] = []
        self._post = post
        self.started = 0.0

    def caller(self) -> Caller:
        """Make one more caller."""
        return Caller(self._limiter(), self._client(), self._meter, self.plan, self.chance)

    def start(self, ready: Barrier) -> None:
        """Wait for the others; from then on the run's time passes."""
        ready.wait(READY_SECONDS)
        self.started = time.time()
        self._stop.at = self.started + self.plan.end

    def keep(self, record: Record) -> None:
        """Store a record."""
        self._records.append(record)

    def close(self) -> None:
        """Write down what happened."""
        self._post.records.write_text(json.dumps(self._records), encoding="utf-8")

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return time.time() >= self._stop.at


def bulk(post: Post, ready: Barrier, job: Job | None) -> None:
    """Send full payloads for as long as the run lasts, or until the job is done."""
    end_with_spawner()
    bench = FeederStage(post, connections=1)
    caller = bench.caller()
    bench.start(ready)
    for users in _parts(job):
        left = users
        while left and not bench.is_over:
            record = caller.call(BULK, min(left, PAYLOAD_LIMIT), Lane.BULK)
            bench.keep(record)
            left -= record.accepted
        if bench.is_over:
            break
    bench.close()


def _parts(job: Job | None) -> Iterator[int]:
    """Return part after part: of what is left of the job, or for ever."""
    while job is None:
        yield PART_LIMIT
    while True:
        with job.get_lock():
            part = min(PART_LIMIT, job.value)
            job.value -= part
        if not part:
            return
        yield part


class OnDemand:
    """One process's callers: each call has a thread, and the caller that was free last, like a warm function."""

    def __init__(self, bench: FeederStage) -> None:
        self._office = bench
        self._burst = BURST // bench.plan.on_demand_processes
        size = self._burst + 64
        self._threads = ThreadPoolExecutor(size)
        self._callers = [bench.caller() for _ in range(self._burst if bench.plan.bursts else 8)]
        self._lock = threading.Lock()

    def run(self) -> None:
        """Start callers at random, and bursts at their times, until the run ends."""
        for at, kind in self._arrivals():
            moment = self._office.started + at
            time.sleep(max(0.0, moment - time.time()))
            for _ in range(self._burst if kind == BURSTING else 1):
                self._threads.submit(self._ask, kind, moment)
        self._threads.shutdown(wait=True)

    def _arrivals(self) -> list[tuple[float, str]]:
        plan, chance = self._office.plan, self._office.chance
        rate = ON_DEMAND_RATE * plan.factor / plan.on_demand_processes
        arrivals = [(at, BURSTING) for at in plan.burst_times]
        at = plan.on_demand_from + chance.expovariate(rate)
        while at < plan.end:
            arrivals.append((at, STEADY))
            at += chance.expovariate(rate)
        return sorted(arrivals)

    def _ask(self, kind: str, moment: float) -> None:
        with self._lock:
            caller = self._callers.pop() if self._callers else self._office.caller()
        record = caller.call(kind, 1, Lane.ON_DEMAND, moment)
        with self._lock:
            self._office.keep(record)
            self._callers.append(caller)


def on_demand(post: Post, ready: Barrier) -> None:
    """Call for one user at a time, at random moments, independent of earlier calls."""
    end_with_spawner()
    bench = FeederStage(post, connections=BURST // post.plan.on_demand_processes)
    callers = OnDemand(bench)
    bench.start(ready)
    callers.run()
    bench.close()
