"""The checks of exports and of the week after a run find what is missing, twice, wrong or not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, JUNK, KEY, NOBODY, CleanRun, record, with_records
from tests.chaos.export_checks import Exported, Row, check_exports
from tests.chaos.week_later import Week, check_week

LOOKUP = "list0001-x"
ROWS: list[Row] = [("anna", "found"), ("missing-1", "not_found"), ("null", "invalid")]
CHANGED = ROWS[:1]
FILE, OTHER = "results/one.csv.gz", "parts/intake-1.ndjson.gz"


def judged(run: CleanRun) -> dict[str, int]:
    return {name: times for name, times in run.found.numbers.items() if times}


@pytest.mark.parametrize(
    ("exported", "number"),
    [
        (Exported(ROWS, CHANGED), {}),
        (None, {"stuck": 1}),
        (Exported(ROWS[1:], CHANGED), {"lost": 1}),
        (Exported([*ROWS, ROWS[0]], CHANGED), {"doubled": 1}),
        (Exported(ROWS[::-1], CHANGED), {"wrong": 1}),
        (Exported(ROWS, []), {"lost": 1}),
        (Exported(ROWS, CHANGED, [FILE]), {"wrong": 1}),
    ],
    ids=["whole", "not made", "lost", "twice", "other order", "no changes", "other bytes"],
)
def test_what_is_wrong_with_an_export_is_found(
    clean_run: CleanRun, exported: Exported | None, number: dict[str, int]
) -> None:
    """Each way in which an export may differ from the parts of its lookup, or from the ledger, has its number."""
    changed = {**record("00000001", ANNA, "found", {}), "changed": True}
    with_records(clean_run, KEY, changed, record("00000001", NOBODY, "not_found"), record("00000001", JUNK, "invalid"))
    made = {} if exported is None else {(LOOKUP, "csv"): exported}
    check_exports({LOOKUP: "csv"}, replace(clean_run.evidence, exported=made), clean_run.found)
    assert judged(clean_run) == number


@pytest.mark.parametrize(
    ("week", "number"),
    [
        (Week({KEY: "a", FILE: "b", OTHER: "c"}, {FILE: "b", OTHER: "c"}, 0), {}),
        (Week({KEY: "a", FILE: "b"}, {KEY: "a", FILE: "b"}, 0), {"stuck": 1}),
        (Week({KEY: "a", FILE: "b"}, {FILE: "b"}, 2), {"stuck": 2}),
        (Week({KEY: "a", FILE: "b", OTHER: "c"}, {FILE: "b"}, 0), {"lost": 1}),
        (Week({KEY: "a", FILE: "b"}, {FILE: "x"}, 0), {"wrong": 1}),
    ],
    ids=["as it should be", "parts left", "due ones left", "too much deleted", "changed"],
)
def test_what_is_wrong_after_a_week_is_found(clean_run: CleanRun, week: Week, number: dict[str, int]) -> None:
    """The parts of collected lookups are gone, and nothing else."""
    check_week(week, {KEY}, clean_run.found)
    assert judged(clean_run) == number
