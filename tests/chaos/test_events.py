"""The checker finds dead letters that are missing or of the wrong message, and events that are missing or wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, ATTRIBUTES, INTAKE_KEY, KEY, NOBODY, WentWell, record, with_records
from tests.chaos.event_checks import check_events, check_letters
from tests.chaos.evidence import LaidAside, Record
from tests.chaos.findings import Findings

Plant = Callable[[WentWell], None]
OF_PART = LaidAside(
    intake=False, message_id="sqs-1", reason="no_answer", attributes="",
    body=json.dumps({"lookup_id": "list0001-x", "part": "00000001"}),
)  # fmt: skip
OF_MESSAGE = LaidAside(intake=True, message_id="m-1", reason="no_answer", attributes="", body="anna")
UNANSWERED: Record = {**record("m-1", ANNA, "failed"), "reason": "no_answer"}


def letters(run: WentWell) -> dict[str, int]:
    found = Findings()
    check_letters(run.asked, run.evidence, found)
    return dict(found.counts)


def events(run: WentWell, excuses: int = 0) -> dict[str, int]:
    found = Findings()
    check_events(run.evidence, excuses, found)
    return dict(found.counts)


def aside(run: WentWell, *more: LaidAside) -> None:
    run.evidence = replace(run.evidence, laid_aside=[*run.evidence.laid_aside, *more])


def failing(run: WentWell) -> None:
    """Let the message and a user of the list have got no answer, as the results say."""
    with_records(run, INTAKE_KEY, UNANSWERED)
    with_records(run, KEY, {**UNANSWERED, "part": "00000001"}, record("00000001", NOBODY, "not_found"))


def test_nothing_is_found_where_nothing_is_wrong(went_well: WentWell) -> None:
    """What cannot be read is laid aside, and each end is told once."""
    assert (letters(went_well), events(went_well)) == ({}, {})


def test_what_failed_is_laid_aside(went_well: WentWell) -> None:
    """A message and a part that got no answer lie on their queues, once or twice."""
    failing(went_well)
    aside(went_well, OF_MESSAGE, OF_PART, OF_PART)
    assert letters(went_well) == {}


def failed_without_letters(run: WentWell) -> None:
    failing(run)


def an_unreadable_message_is_gone(run: WentWell) -> None:
    run.evidence = replace(run.evidence, laid_aside=[])


@pytest.mark.parametrize(("plant", "lost"), [(failed_without_letters, 2), (an_unreadable_message_is_gone, 1)])
def test_letters_that_are_missing(went_well: WentWell, plant: Plant, lost: int) -> None:
    """Whatever cannot be read, or got no answer, and is on no dead-letter queue is counted as lost."""
    plant(went_well)
    assert letters(went_well) == {"lost": lost}


def an_answered_message(run: WentWell) -> None:
    aside(run, OF_MESSAGE)


def an_answered_part(run: WentWell) -> None:
    aside(run, OF_PART)


def a_readable_message(run: WentWell) -> None:
    aside(run, replace(OF_MESSAGE, reason="body: broken"))


def a_message_that_nobody_sent(run: WentWell) -> None:
    aside(run, replace(OF_MESSAGE, message_id="m-9"))


def another_reason(run: WentWell) -> None:
    failing(run)
    aside(run, OF_MESSAGE, OF_PART, replace(OF_PART, reason="refused"))


def no_reason(run: WentWell) -> None:
    run.evidence = replace(run.evidence, laid_aside=[replace(run.evidence.laid_aside[0], reason="")])


def the_reason_of_another_rule(run: WentWell) -> None:
    run.evidence = replace(run.evidence, laid_aside=[replace(run.evidence.laid_aside[0], reason="fields: none")])


def another_body(run: WentWell) -> None:
    run.evidence = replace(run.evidence, laid_aside=[replace(run.evidence.laid_aside[0], body="{}")])


@pytest.mark.parametrize(
    "plant",
    [
        an_answered_message, an_answered_part, a_readable_message, a_message_that_nobody_sent, another_reason,
        no_reason, the_reason_of_another_rule, another_body,
    ],
)  # fmt: skip
def test_letters_that_must_not_be(went_well: WentWell, plant: Plant) -> None:
    """A letter of what was answered, or whose reason or body does not fit, is wrong."""
    plant(went_well)
    assert letters(went_well) == {"wrong": 1}


def an_end_that_nobody_was_told_of(run: WentWell) -> None:
    run.evidence = replace(run.evidence, ended=[])


def only_its_changes_were_told(run: WentWell) -> None:
    told = [{"lookup_id": "list0001-x", "key": KEY}]
    run.evidence = replace(run.evidence, ended=[], changed=told)


def an_end_told_twice(run: WentWell) -> None:
    run.evidence = replace(run.evidence, ended=[*run.evidence.ended] * 2)


def an_end_with_other_counts(run: WentWell) -> None:
    counts = {"requested": 3, "found": 3, "not_found": 0, "invalid": 0, "failed": 0}
    run.evidence = replace(run.evidence, ended=[{**run.evidence.ended[0], "counts": counts}])


def an_end_of_what_goes_on(run: WentWell) -> None:
    run.lookup.state = "active"


def an_end_of_a_stranger(run: WentWell) -> None:
    stranger = {**run.evidence.ended[0], "lookup_id": "lookup-9"}
    run.evidence = replace(run.evidence, ended=[*run.evidence.ended, stranger])


def a_change_in_no_object(run: WentWell) -> None:
    run.evidence = replace(run.evidence, changed=[{"lookup_id": "list0001-x", "key": "results/gone"}])


def changes_that_nobody_was_told_of(run: WentWell) -> None:
    changed = {**record("m-1", ANNA, "found", ATTRIBUTES), "source": "moengage", "changed_fields": ["name"]}
    with_records(run, KEY, record("00000001", NOBODY, "not_found"))
    with_records(run, INTAKE_KEY, changed)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (an_end_that_nobody_was_told_of, "stuck"), (only_its_changes_were_told, "stuck"),
        (an_end_told_twice, "doubled"),
        (an_end_with_other_counts, "wrong"), (an_end_of_what_goes_on, "wrong"), (an_end_of_a_stranger, "wrong"),
        (a_change_in_no_object, "wrong"), (changes_that_nobody_was_told_of, "lost"),
    ],
)  # fmt: skip
def test_events(went_well: WentWell, plant: Plant, what: str) -> None:
    """An end that is not told, told otherwise than it was, or too often, and a change that is not told, are found."""
    plant(went_well)
    assert events(went_well) == {what: 1}


def test_an_excuse_lets_one_event_come_twice(went_well: WentWell) -> None:
    """Who died, or got no reply, may tell again, and no more often than that happened."""
    an_end_told_twice(went_well)
    assert events(went_well, excuses=1) == {}
    went_well.evidence = replace(went_well.evidence, ended=[*went_well.evidence.ended] * 2)
    assert events(went_well, excuses=1) == {"doubled": 2}
