"""What a run is written down as: a page, and the JSON of the last line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.api.figures import Spread
from tests.benchmarks.api.instance import Instance
from tests.benchmarks.api.over_http import OverHttp
from tests.benchmarks.api.stopwatch import VENDOR
from tests.benchmarks.gate.machine import machine

WARM_HIT_MS = 15.0
MISS_CALLS = {"GetItem": 1, "UpdateItem": 1, "PutItem": 1, "SendMessage": 1}

HOW_TO_READ = """## How to read it

- **Warm hit**: `GET /v1/profiles/…` of a profile that is stored and fresh enough. **Miss**: the same with
  `max_age=0`, so that gate, MoEngage and both stores take part. The instance is warm: clients made, grants and
  secret read.
- **In process** one function instance runs on one core; AWS is the embedded engine and MoEngage the simulator, each
  a process of its own. The time during which any call to them is under way is subtracted: the engine is not
  DynamoDB, and says nothing of its speed. What remains is the service's own: routing, checks, grants, reading and
  writing JSON and items, signing. In AWS a warm hit takes this and one DynamoDB read, a miss this, a read, a grant,
  MoEngage and two writes side by side.
- **Bare resolver** is the same read behind a Powertools resolver with logger and metrics, which checks, grants and
  tells nothing.
- **Requests per second and core** is one divided by the CPU seconds of a request, those of talking to AWS included.
- **Calls** are counted where they leave botocore. The writes are made to last 20 ms once to see that they run side
  by side.
- **Over HTTP** is the local stage as `make run` deploys it, its simulated MoEngage without latency: most of each
  request is the emulator's, which hands every event to a worker process and is slow itself.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run. `started` is epoch seconds, `took` seconds; `loads` are those before and after."""

    instance: Instance
    over_http: OverHttp
    requests: int
    started: float
    took: float
    load_before: float

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return the last line."""
        one = self.instance
        return {
            "warm_hit_ms": one.hit.own_ms.to_json(),
            "miss_overhead_ms": one.miss.own_ms.to_json(),
            "aws_calls": {"warm_hit": _of_aws(one.hit.calls), "miss": _of_aws(one.miss.calls)},
            "bare_resolver_ms": one.bare.own_ms.to_json(),
        }


def write(report: Report, folder: Path) -> Path:
    """Write the page into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "api.md"
    page.write_text("\n".join(_page(report)), encoding="utf-8")
    return page


def _of_aws(calls: Mapping[str, int]) -> int:
    return sum(number for name, number in calls.items() if name != VENDOR)


def _page(report: Report) -> Iterable[str]:
    date = datetime.fromtimestamp(report.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield from ("# What the HTTP API takes of a request", "")
    yield f"Written by `make bench-api` on {date}, in {report.took:.0f} s, {report.requests:,} requests of each kind"
    yield f"in process, on {machine()}; load before it: {report.load_before:.1f}."
    yield from ("", *_reached(report), "")
    yield from (*_times(report), "")
    yield from (*_calls(report), "", HOW_TO_READ)


def _reached(report: Report) -> Iterable[str]:
    one, p99 = report.instance, report.instance.hit.own_ms.p99
    beside = one.miss.writes_side_by_side
    hit, miss = dict(one.hit.calls), {name: number for name, number in one.miss.calls.items() if name != VENDOR}
    rows = [
        ("warm hit, p99 in process", f"under {WARM_HIT_MS:g} ms", f"{p99:.2f} ms", p99 < WARM_HIT_MS),
        ("calls to AWS of a warm hit", "1 read", _said(hit), hit == {"GetItem": 1}),
        (
            "calls to AWS of a miss",
            "1 read, 1 gate write, 1 put to the store, 1 message to the queue of answers",
            _said(miss),
            all(number <= MISS_CALLS.get(name, 0) for name, number in miss.items()),
        ),
        ("writes of a miss are side by side", "yes", "yes" if beside else "no", beside),
    ]
    yield from ("| | to reach | measured | |", "| --- | ---: | ---: | --- |")
    for what, wanted, measured, reached in rows:
        yield f"| {what} | {wanted} | {measured} | {'reached' if reached else '**missed**'} |"


def _said(calls: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(calls.items()))


def _times(report: Report) -> Iterable[str]:
    one, outside = report.instance, report.over_http
    yield from (
        "| milliseconds | p50 | p95 | p99 | requests per second and core |",
        "| --- | ---: | ---: | ---: | ---: |",
    )
    for name, spread, seconds in (
        ("warm hit, in process, without AWS", one.hit.own_ms, one.hit.cpu_seconds),
        ("bare resolver, the same", one.bare.own_ms, one.bare.cpu_seconds),
        ("miss, in process, without AWS and MoEngage", one.miss.own_ms, one.miss.cpu_seconds),
    ):
        yield _row(name, spread, f"{1 / seconds:.0f}")
    yield _row("warm hit, over HTTP on the local stage", outside.hit, f"{outside.hits_per_second:g} of one caller")
    yield _row("miss, the same, MoEngage without latency", outside.miss, "")


def _row(name: str, spread: Spread, rate: str) -> str:
    return f"| {name} | {spread.p50:.2f} | {spread.p95:.2f} | {spread.p99:.2f} | {rate} |"


def _calls(report: Report) -> Iterable[str]:
    yield from ("| calls of one request | warm hit | miss | bare resolver |", "| --- | ---: | ---: | ---: |")
    kinds = (report.instance.hit.calls, report.instance.miss.calls, report.instance.bare.calls)
    for name in sorted({name for calls in kinds for name in calls}):
        yield f"| {name} | {' | '.join(str(calls.get(name, 0)) for calls in kinds)} |"
