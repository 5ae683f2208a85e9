"""The check of collected files finds what is missing, twice, wrong or not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.collected_checks import Collected, check_collected, check_ready_events
from tests.chaos.conftest import FAILED_NONE, CleanRun

LOOKUP = "list0001-x"
RECORDS = [("00000001", "anna", "found"), ("00000001", "missing-1", "not_found"), ("00000001", "null", "invalid")]


def judged(run: CleanRun, collected: Collected | None) -> dict[str, int]:
    held = {} if collected is None else {LOOKUP: collected}
    check_collected(replace(run.evidence, collected=held), run.found)
    return {name: times for name, times in run.found.numbers.items() if times}


def test_files_that_hold_what_the_parts_hold(clean_run: CleanRun) -> None:
    """Files with the parts' records in order and the ledger's counts are no finding."""
    assert judged(clean_run, Collected(FAILED_NONE, RECORDS)) == {}


@pytest.mark.parametrize(
    ("collected", "number"),
    [
        (None, {"stuck": 1}),
        (Collected(FAILED_NONE, RECORDS[1:]), {"lost": 1}),
        (Collected(FAILED_NONE, [*RECORDS, RECORDS[0]]), {"doubled": 1}),
        (Collected(FAILED_NONE, RECORDS[::-1]), {"wrong": 1}),
        (Collected(FAILED_NONE | {"failed": 1}, RECORDS), {"wrong": 1}),
    ],
    ids=["not published", "lost", "twice", "other order", "other counts"],
)
def test_what_is_wrong_is_found(clean_run: CleanRun, collected: Collected | None, number: dict[str, int]) -> None:
    """Each way in which files may differ from the parts and the ledger has its number."""
    assert judged(clean_run, collected) == number


@pytest.mark.parametrize(
    ("events", "number"),
    [
        ([{"lookup_id": LOOKUP, "counts": FAILED_NONE}] * 2, {}),
        ([], {"stuck": 1}),
        ([{"lookup_id": LOOKUP, "counts": FAILED_NONE | {"failed": 1}}], {"wrong": 1}),
        ([{"lookup_id": LOOKUP, "counts": FAILED_NONE}, {"lookup_id": "other", "counts": FAILED_NONE}], {"wrong": 1}),
    ],
    ids=["twice", "missing", "other counts", "of nothing"],
)
def test_events_of_results(clean_run: CleanRun, events: list[dict[str, object]], number: dict[str, int]) -> None:
    """Whoever hears that results are ready finds them, with the counts that the event says; it may come twice."""
    held = {LOOKUP: Collected(FAILED_NONE, RECORDS)}
    check_ready_events(replace(clean_run.evidence, collected=held, ready=events), clean_run.found)
    assert {name: times for name, times in clean_run.found.numbers.items() if times} == number
