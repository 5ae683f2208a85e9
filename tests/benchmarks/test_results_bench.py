"""The benchmark of collecting, tiny: it measures what is collected, and both ways of reading answer the same."""

from __future__ import annotations

import time

import boto3
import pytest

from infra.local.ministack.process import EmbeddedAws
from tests.benchmarks.gate.stage import aws_environment
from tests.benchmarks.results.__main__ import measured, page
from tests.benchmarks.results.chart import chart
from tests.lookup.stage import deployed


def test_a_tiny_run(embedded_aws: EmbeddedAws, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record is collected, in fewer files than there are parts, and the page shows the figures."""
    for name, value in (aws_environment(embedded_aws.endpoint_url) | {"AWS_ACCESS_KEY_ID": account}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", "functions:.")
    with deployed(boto3.Session(account, "local"), None) as stage:
        figures = measured(stage, 2000)
    assert (figures["records"], figures["state"], figures["files"], figures["invocations"]) == (2000, "ready", 4, 1)
    assert (figures["requests_parts"], figures["requests_files"]) == (20, 1)
    assert (figures["points"][0], figures["points"][-1][0]) == ((0, 0.0), 2000)
    assert figures["dollars_per_million"] == pytest.approx(
        sum(figures[f"dollars_{share}"] for share in ("requests", "function", "storage")), abs=1e-3
    )
    assert chart(figures).count("<circle") == len(figures["points"]) == 2
    assert f"| highest memory | under 700 MB | {figures['peak_mb']} MB |" in page(figures, time.time())
