"""The API's benchmark, tiny: what it counts is what the service does, and what it writes is what it counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from infra.local.ministack.process import EmbeddedAws
from tests.benchmarks.api.__main__ import in_process
from tests.benchmarks.api.figures import Spread
from tests.benchmarks.api.over_http import OverHttp
from tests.benchmarks.api.report import Report, write
from tests.benchmarks.api.stopwatch import Call, side_by_side, waited
from tests.benchmarks.gate.stage import aws_environment


def test_a_tiny_run(embedded_aws: EmbeddedAws, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A warm hit is one read; the last line has exactly the promised keys, and the page the same figures."""
    environment = aws_environment(embedded_aws.endpoint_url) | {"AWS_ACCESS_KEY_ID": account}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    instance = in_process(environment, 20)
    assert instance.hit.calls == {"GetItem": 1}
    assert instance.miss.calls["MoEngage"] == instance.miss.calls["SendMessage"] == 1  # the queue of answers
    assert instance.miss.calls["UpdateItem"] == 1  # the gate
    spread = Spread(1.0, 2.0, 3.0)
    report = Report(instance, OverHttp(spread, spread, 50.0), 20, time.time(), 1.0, 0.5)
    assert list(report.to_json()) == ["warm_hit_ms", "miss_overhead_ms", "aws_calls", "bare_resolver_ms"]
    assert report.to_json()["aws_calls"] == {"warm_hit": 1, "miss": instance.miss.calls.total() - 1}
    assert f"| {instance.hit.own_ms.p50:.2f} |" in write(report, tmp_path).read_text()


def test_waiting_is_counted_once() -> None:
    """Calls under way at the same moment are waited for together; puts that follow each other are counted apart."""
    calls = [Call("S3 Put", 1.0, 3.0), Call("PutItem", 2.0, 4.0), Call("GetItem", 6.0, 7.0)]
    assert waited(calls) == 4.0
    assert side_by_side(calls)
    assert not side_by_side([Call("S3 Put", 1.0, 2.0), Call("PutItem", 2.5, 4.0)])
