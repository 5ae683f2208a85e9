"""The benchmark of erasures, tiny: everybody is found in the files that hold them, and a month is computed."""

from __future__ import annotations

import time

import pytest

from infra.monitoring.prices import LAMBDA_GB_SECOND
from tests.benchmarks.cost.seconds import SLOWNESS
from tests.benchmarks.erasure.__main__ import page
from tests.benchmarks.erasure.measuring import measured
from tests.benchmarks.erasure.month import ANSWER, GET, MEMORY_GB, MONTH, NETWORK, PUT, Requests, a_month
from tests.benchmarks.erasure.seeding import HOUR
from tests.lookup.conftest import stage
from tests.lookup.stage import Stage

__all__ = ["stage"]


def test_a_tiny_run(stage: Stage) -> None:
    """Each search reads each Parquet once, files that hold somebody are rewritten, and costs grow in proportion."""
    figures = measured(stage, 600, hour=150)
    one, many = figures["one"], figures["hundred"]
    assert (figures["files"], one["searches"], many["searches"]) == (4, 2, 2)
    assert one["records_found"] == 2  # of one file, in two formats
    assert many["records_found"] == 2 * 2 * 100
    assert one["gets"] == 2 * 4 + 2 + 1  # two searches, the two formats and the manifest
    assert one["month_minutes"] > one["cpu_seconds"] * SLOWNESS * MONTH / 600 / 60
    assert "| searches | 2 | 2 |" in page(figures, time.time())


def test_a_run_of_less_than_an_hour_finds_everybody(stage: Stage) -> None:
    """The short form, with records for not even one hour's file, has a file of each kind all the same."""
    figures = measured(stage, 400)
    assert (figures["files"], figures["one"]["records_found"], figures["hundred"]["records_found"]) == (2, 2, 2 * 100)


def test_a_month_is_computed_from_what_grows_with_it() -> None:
    """Requests about files grow with the files of a month, bytes and processor time with its records, others stay."""
    counted = Requests()
    counted.growing.update({"GetObject": 2, "PutObject": 1, "bytes": 1000})
    counted.fixed.update({"ListObjectVersions": 200})
    month = a_month(counted, 10.0, records=HOUR, files=1)
    times = MONTH / HOUR
    seconds = 10.0 * SLOWNESS * times + 1000 * times / NETWORK + (3 * times + 200) * ANSWER
    assert month["month_minutes"] == pytest.approx(seconds / 60)
    requests = 2 * times * GET + (times + 200) * PUT
    assert month["month_dollars"] == pytest.approx(seconds * MEMORY_GB * LAMBDA_GB_SECOND + requests)
