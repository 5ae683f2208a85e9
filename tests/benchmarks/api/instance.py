"""One function instance in a process of its own, on one core: its requests served and timed one after the other."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from infra.local.processes.lifeline import end_with_spawner
from tests.benchmarks.api.figures import Spread
from tests.benchmarks.api.stopwatch import Stopwatch, side_by_side, waited
from tests.lambda_context import LambdaContext

EVENT = Path(__file__).parents[3] / "events/on_request/get_profile.json"
WARMING = 100  # requests before those that count
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one kind of request: our own milliseconds, CPU seconds of one, calls of one by name."""

    own_ms: Spread
    cpu_seconds: float
    calls: Counter[str]
    writes_side_by_side: bool = True


@dataclass(frozen=True, slots=True)
class Instance:
    """What one instance took."""

    hit: Measured
    miss: Measured
    bare: Measured


def measured(environment: Mapping[str, str], requests: int) -> Instance:
    """Have a new process serve `requests` of each kind."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(dict(environment), requests, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        given: Instance = ours.recv()
    finally:
        process.join()
    return given


def _serve(environment: dict[str, str], requests: int, answer: Connection) -> None:
    end_with_spawner()
    os.environ |= environment
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # logs and metrics are written, but not to the terminal
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import on_request  # noqa: PLC0415 - as Lambda does: the environment first
    from tests.benchmarks.api.bare import bare_handler  # noqa: PLC0415 - as above

    bare = bare_handler(environment["PROFILES_TABLE_NAME"])
    misses = _measure(on_request.handler, "max_age=0", requests)  # first: it stores the profile that hits are
    hits = _measure(on_request.handler, "max_age=86400", requests)
    answer.send(Instance(hits, misses, _measure(bare, "", requests)))


def _measure(handler: Handler, query: str, requests: int) -> Measured:
    event = _event(query)
    for _ in range(WARMING):
        _served(handler, event)
    with Stopwatch(slow_writes=True) as watch:
        _served(handler, event)
        calls = watch.taken()
    beside = side_by_side(calls) if sum("Put" in call.name for call in calls) > 1 else True
    with Stopwatch() as watch:
        cpu, own = time.process_time(), []
        for _ in range(requests):
            began = time.perf_counter()
            _served(handler, event)
            own.append(time.perf_counter() - began - waited(watch.taken()))
        cpu = time.process_time() - cpu
    return Measured(Spread.of(own), cpu / requests, Counter(call.name for call in calls), beside)


def _served(handler: Handler, event: dict[str, Any]) -> None:
    answer = handler(dict(event), LambdaContext())
    if answer["statusCode"] != 200:
        raise AssertionError(f"{answer['statusCode']}: {answer['body']}")


def _event(query: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(EVENT.read_text())
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)
    return event | {"rawQueryString": query, "queryStringParameters": pairs}
