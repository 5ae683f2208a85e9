"""The checker finds dead letters that are missing or of the wrong message, and events that are missing or wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, ATTRIBUTES, INTAKE_KEY, KEY, NOBODY, CleanRun, record, with_records
from tests.chaos.event_checks import check_dead_letters, check_events
from tests.chaos.evidence import DeadLetter, Record
from tests.chaos.findings import Findings

Plant = Callable[[CleanRun], None]
OF_PART = DeadLetter(
    intake=False, message_id="sqs-1", reason="no_answer", attributes="",
    body=json.dumps({"lookup_id": "list0001-x", "part": "00000001"}),
)  # fmt: skip
OF_MESSAGE = DeadLetter(intake=True, message_id="m-1", reason="no_answer", attributes="", body="anna")
UNANSWERED: Record = {**record("m-1", ANNA, "failed"), "reason": "no_answer"}


def letters(run: CleanRun) -> dict[str, int]:
    found = Findings()
    check_dead_letters(run.requested, run.evidence, found)
    return dict(found.counts)


def events(run: CleanRun, excuses: int = 0) -> dict[str, int]:
    found = Findings()
    check_events(run.evidence, excuses, found)
    return dict(found.counts)


def dead_letter(run: CleanRun, *more: DeadLetter) -> None:
    run.evidence = replace(run.evidence, dead_letters=[*run.evidence.dead_letters, *more])


def failing(run: CleanRun) -> None:
    """Make the message and a user of the list fail without an answer, by the results."""
    with_records(run, INTAKE_KEY, UNANSWERED)
    with_records(run, KEY, {**UNANSWERED, "part": "00000001"}, record("00000001", NOBODY, "not_found"))


def test_nothing_is_found_where_nothing_is_wrong(clean_run: CleanRun) -> None:
    """What cannot be parsed is dead-lettered, and each end is published once."""
    assert (letters(clean_run), events(clean_run)) == ({}, {})


def test_what_failed_is_dead_lettered(clean_run: CleanRun) -> None:
    """A message and a part that got no answer are on their dead-letter queues, once or twice."""
    failing(clean_run)
    dead_letter(clean_run, OF_MESSAGE, OF_PART, OF_PART)
    assert letters(clean_run) == {}


def failed_without_letters(run: CleanRun) -> None:
    failing(run)


def an_unreadable_message_is_gone(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, dead_letters=[])


@pytest.mark.parametrize(("plant", "lost"), [(failed_without_letters, 2), (an_unreadable_message_is_gone, 1)])
def test_letters_that_are_missing(clean_run: CleanRun, plant: Plant, lost: int) -> None:
    """Whatever cannot be read, or got no answer, and is on no dead-letter queue is counted as lost."""
    plant(clean_run)
    assert letters(clean_run) == {"lost": lost}


def an_answered_message(run: CleanRun) -> None:
    dead_letter(run, OF_MESSAGE)


def an_answered_part(run: CleanRun) -> None:
    dead_letter(run, OF_PART)


def a_readable_message(run: CleanRun) -> None:
    dead_letter(run, replace(OF_MESSAGE, reason="body: broken"))


def a_message_never_sent(run: CleanRun) -> None:
    dead_letter(run, replace(OF_MESSAGE, message_id="m-9"))


def another_reason(run: CleanRun) -> None:
    failing(run)
    dead_letter(run, OF_MESSAGE, OF_PART, replace(OF_PART, reason="refused"))


def no_reason(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, dead_letters=[replace(run.evidence.dead_letters[0], reason="")])


def the_reason_of_another_rule(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, dead_letters=[replace(run.evidence.dead_letters[0], reason="fields: none")])


def another_body(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, dead_letters=[replace(run.evidence.dead_letters[0], body="{}")])


@pytest.mark.parametrize(
    "plant",
    [
        an_answered_message, an_answered_part, a_readable_message, a_message_never_sent, another_reason,
        no_reason, the_reason_of_another_rule, another_body,
    ],
)  # fmt: skip
def test_letters_that_must_not_be(clean_run: CleanRun, plant: Plant) -> None:
    """A letter of what was answered, or whose reason or body does not fit, is wrong."""
    plant(clean_run)
    assert letters(clean_run) == {"wrong": 1}


def an_end_without_an_event(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, ended=[])


def only_changes_published(run: CleanRun) -> None:
    published = [{"lookup_id": "list0001-x", "key": KEY}]
    run.evidence = replace(run.evidence, ended=[], changed=published)


def an_end_published_twice(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, ended=[*run.evidence.ended] * 2)


def an_end_with_other_counts(run: CleanRun) -> None:
    counts = {"requested": 3, "found": 3, "not_found": 0, "invalid": 0, "failed": 0}
    run.evidence = replace(run.evidence, ended=[{**run.evidence.ended[0], "counts": counts}])


def an_end_of_an_active_lookup(run: CleanRun) -> None:
    run.lookup.state = "active"


def an_end_of_an_unknown(run: CleanRun) -> None:
    unknown = {**run.evidence.ended[0], "lookup_id": "lookup-9"}
    run.evidence = replace(run.evidence, ended=[*run.evidence.ended, unknown])


def a_change_in_no_object(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, changed=[{"lookup_id": "list0001-x", "key": "results/gone"}])


def changes_without_an_event(run: CleanRun) -> None:
    changed = {**record("m-1", ANNA, "found", ATTRIBUTES), "source": "moengage", "changed_fields": ["name"]}
    with_records(run, KEY, record("00000001", NOBODY, "not_found"))
    with_records(run, INTAKE_KEY, changed)


@pytest.mark.parametrize(
    ("plant", "what"),
    [
        (an_end_without_an_event, "stuck"), (only_changes_published, "stuck"),
        (an_end_published_twice, "doubled"),
        (an_end_with_other_counts, "wrong"), (an_end_of_an_active_lookup, "wrong"), (an_end_of_an_unknown, "wrong"),
        (a_change_in_no_object, "wrong"), (changes_without_an_event, "lost"),
    ],
)  # fmt: skip
def test_events(clean_run: CleanRun, plant: Plant, what: str) -> None:
    """An end that is not published, differs or comes too often, and a change that is not published, are found."""
    plant(clean_run)
    assert events(clean_run) == {what: 1}


def test_an_excuse_allows_one_repeated_event(clean_run: CleanRun) -> None:
    """A publisher that died, or got no response, may publish again, no more often than that happened."""
    an_end_published_twice(clean_run)
    assert events(clean_run, excuses=1) == {}
    clean_run.evidence = replace(clean_run.evidence, ended=[*clean_run.evidence.ended] * 2)
    assert events(clean_run, excuses=1) == {"doubled": 2}
