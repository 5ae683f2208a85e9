"""The benchmark of the gate runs and says what it promises to say; how fast is not for a test to judge."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.local.ministack.process import EmbeddedAws
from lookup.quota import Quota
from tests.benchmarks.gate.contenders import THIS
from tests.benchmarks.gate.measure import figures
from tests.benchmarks.gate.minimum import minimum_seconds
from tests.benchmarks.gate.plan import LEARNING, WARM_UP, Plan, on_one_clock, scaled
from tests.benchmarks.gate.report import Report, write
from tests.benchmarks.gate.rounds import Size
from tests.benchmarks.gate.stage import aws_environment, run
from tests.benchmarks.gate.targets import Gate

QUANTILES = {"p50", "p99", "max"}
CONTENDER = {
    "quota_used",
    "quota_used_with_on_demand",
    "refusals",
    "on_demand_wait_ms",
    "dynamodb_requests_per_payload",
}
TINY = Plan(
    factor=60.0,
    warm_up=0.5,
    alone=1.0,
    settle=0.25,
    together=1.0,
    bursts=1,
    drain=0.25,
    workers=1,
    on_demand_processes=1,
)


@pytest.fixture
def report(embedded_aws: EmbeddedAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    for name, value in (aws_environment(embedded_aws.endpoint_url) | {"AWS_ACCESS_KEY_ID": account}).items():
        monkeypatch.setenv(name, value)
    one = figures(run(THIS, TINY, lambda *_: None))
    gate = Gate(one, one, one, one, job_seconds=60.0, minimum_seconds=55.0)
    return Report(gate, [one], Size(TINY.factor, windows=1.0), started=0.0, took=60.0)


def test_a_tiny_run_gives_the_last_line_and_the_page(report: Report, tmp_path: Path) -> None:
    """The last line has exactly the promised keys, and page and picture are written from the same figures."""
    line: dict[str, Any] = report.to_json()
    assert set(line) == {"this", "peers", "lone_job_1000_seconds", "quota_minimum_seconds", "burst_200_wait_ms"}
    assert set(line["peers"]) == {"this"}
    assert set(line["this"]) == set(line["peers"]["this"]) == CONTENDER
    assert set(line["this"]["on_demand_wait_ms"]) == set(line["burst_200_wait_ms"]) == QUANTILES
    page = write(report, tmp_path).read_text(encoding="utf-8")
    assert "| this gate |" in page
    picture = (tmp_path / "gate.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg ")
    assert picture.endswith("</svg>\n")


def test_scaling_divides_every_span_of_time_and_nothing_else() -> None:
    """A scaled quota has the same users and factors in a tenth of the time, and as much guard for its window."""
    plain, fast = Quota(), scaled(Quota(), 10.0)
    names = {field.name for field in fields(Quota)}
    kept = {name for name in names if getattr(plain, name) == getattr(fast, name)}
    assert kept == {"limit"} | {name for name in names if name.endswith(("factor", "headroom"))}
    assert (fast.window, fast.guard, fast.slot) == (6.0, 0.1, plain.slot / 10)
    assert on_one_clock(fast).guard == fast.guard


def test_real_time_has_the_settings_that_are_shipped() -> None:
    """Unscaled, every process measures the time as in production, and has learned it before anything is measured."""
    assert Size(1.0).plan().quota == Size(1.0).bursts().quota == Quota()
    assert Size(1.0).plan().warm_up == LEARNING
    scaled_down = Size(10.0).plan()
    assert (scaled_down.quota, scaled_down.warm_up) == (on_one_clock(scaled(Quota(), 10.0)), WARM_UP)


def test_the_least_time_of_a_job_follows_the_pace() -> None:
    """A thousand users at a pace of 1.2 times the quota need more than 40 seconds, and 20 users need none."""
    assert minimum_seconds(Quota(), 20) == 0.0
    assert 40.0 < minimum_seconds(Quota(), 1000) < 60.0
