"""The benchmark of erasures, tiny: everybody is found in the files that hold them, and a month is computed."""

from __future__ import annotations

import time

import pytest

from tests.benchmarks.erasure.__main__ import MONTH, measured, page
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
    assert one["month_minutes"] == pytest.approx(one["cpu_seconds"] * MONTH / 600 / 60, rel=0.1)
    assert "| searches | 2 | 2 |" in page(figures, time.time())
