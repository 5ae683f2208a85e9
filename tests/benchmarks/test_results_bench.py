"""The benchmark of collecting, tiny: it measures what is collected, and both ways of reading answer the same."""

from __future__ import annotations

import time

import boto3
import pytest

from infra.local.ministack.process import EmbeddedAws
from tests.benchmarks.gate.stage import aws_environment
from tests.benchmarks.results.__main__ import (
    NO_LARGE,
    available,
    collected_only,
    figures_of_halves,
    large_section,
    measured,
    page,
    section_of,
    shortage,
    with_section,
)
from tests.benchmarks.results.chart import chart
from tests.benchmarks.results.invocations import Collected
from tests.lookup.stage import deployed

SHARED = {"state": "ready", "files": 4, "bytes": 10, "cpu_seconds": 1.0, "peak_mb": 400, "usage": {"S3_GET": 100}}


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
    text = page(figures, time.time())
    assert f"| highest memory | under 700 MB | {figures['peak_mb']} MB |" in text
    for what in ("the same, a million records", "for `GROUP BY outcome` alone", "for one identifier alone"):
        assert what in text
    assert section_of(text) == NO_LARGE


def test_a_tiny_run_of_several_invocations(
    embedded_aws: EmbeddedAws, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is collected only has the figures of its section, and a chart without those of reading."""
    for name, value in (aws_environment(embedded_aws.endpoint_url) | {"AWS_ACCESS_KEY_ID": account}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", "functions:.")
    with deployed(boto3.Session(account, "local"), None) as stage:
        figures = collected_only(stage, 1050)
    assert (figures["records"], figures["state"], figures["failed_invocations"]) == (1050, "ready", 0)
    assert figures["whole_to_first_million"] == 1.0
    assert "parts" not in chart(figures).partition("</title>")[2]
    section = large_section(figures, time.time(), "**Disturbed**")
    first = with_section("# Page\n\ntext\n\n" + NO_LARGE, section)
    assert section_of(first) == section
    assert first.startswith("# Page\n\ntext\n\n## More than one invocation\n")
    assert "1,050 records" in section
    assert section.endswith("**Disturbed**\n")
    assert with_section(first, section) == first


def test_what_does_not_fit_into_memory_is_not_begun() -> None:
    """Too little memory is said before anything is written, not by a killed process; an unknown one is tried."""
    left = available("MemTotal:  9 kB\nMemAvailable:   13671875 kB\n")
    assert left == 14_000_000_000
    assert shortage(4_000_000, left) is None
    assert shortage(5_000_000, left) == "5,000,000 records take 15.0 GB of memory; 14.0 GB are left"
    assert (available(""), shortage(5_000_000, None)) == (None, None)


def test_a_comparison_of_halves() -> None:
    """Of a lookup of several invocations the figures say whether a later record took longer than an early one."""
    invocations = [
        {"seconds": 100.0, "points": [[1_000_000, 90.0]], "records": 1_000_000} | SHARED,
        {"seconds": 110.0, "points": [[2_000_000, 100.0]], "records": 2_000_000} | SHARED,
    ]
    collected = Collected(invocations, whole_seconds=212.0)
    assert collected.points == [(0, 0.0), (1_000_000, 90.0), (2_000_000, 200.0)]
    figures = figures_of_halves(collected)
    assert figures["second_half_to_first"] == pytest.approx(110 / 90, abs=0.01)
    assert figures["whole_to_first_million"] == pytest.approx((200 / 2) / 90, abs=0.01)
    assert (figures["invocations"], figures["seconds"], figures["peak_mb"]) == (2, 210.0, 400)
    assert figures["dollars_requests"] == pytest.approx((200 * 0.0004 / 1000) / 2, abs=1e-4)
