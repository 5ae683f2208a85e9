"""The check of hours' files finds what is missing, twice, or from nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.conftest import CleanRun, record
from tests.chaos.entries import CUSTOMER
from tests.chaos.hour_checks import check_hours
from tests.chaos.hour_evidence import Row
from tests.chaos.traffic import Answer

ANNA = (CUSTOMER, "anna")
AT_ONCE = "on-demand-1"
OBJECTS = ("parts/workspace=default/answers-1.ndjson.gz", "parts/workspace=default/answers-2.ndjson.gz")
INTAKE_ROW: Row = ("intake-2026", "m-1", "anna", "found")
ANSWER_ROW: Row = (AT_ONCE, "000001", "anna", "found")


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([INTAKE_ROW, ANSWER_ROW], {}),
        ([INTAKE_ROW], {"lost": 2}),
        ([ANSWER_ROW], {"lost": 1}),
        ([INTAKE_ROW, ANSWER_ROW, ANSWER_ROW], {"doubled": 1}),
        ([INTAKE_ROW, INTAKE_ROW, ANSWER_ROW], {"doubled": 1}),
        ([], {"lost": 3, "stuck": 1}),
    ],
    ids=["whole", "an answer lost", "a message lost", "an answer twice", "a message twice", "nothing"],
)
def test_each_record_is_there_once(clean_run: CleanRun, rows: list[Row], number: dict[str, int]) -> None:
    """An answer that lies in two objects counts once, and one that was given and is in no file is lost."""
    one = {**record("000001", ANNA, "found", {}), "lookup_id": AT_ONCE, "source": "moengage"}
    objects = {**clean_run.evidence.objects, **{key: [one] for key in OBJECTS}}
    evidence = replace(clean_run.evidence, objects=objects, hours=rows)
    check_hours([Answer((ANNA,), [one])], evidence, clean_run.found)
    assert {name: times for name, times in clean_run.found.numbers.items() if times} == number
