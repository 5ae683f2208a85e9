"""Whatever is planted as lost, doubled or stuck in a correct run is found by the checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, FETCHED_AT, INTAKE_KEY, JUNK, KEY, ONE_FOUND, CleanRun, record
from tests.chaos.ledger_evidence import Lookup, Part
from tests.chaos.requested import INTAKE
from tests.chaos.traffic import Answer

Plant = Callable[[CleanRun], None]


def test_nothing_is_found_where_nothing_is_wrong(clean_run: CleanRun) -> None:
    """Every entry has its outcome, so nothing is found."""
    assert clean_run.counted() == {}


def a_part_without_its_object(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, objects={INTAKE_KEY: run.evidence.objects[INTAKE_KEY]})


def a_message_never_counted(run: CleanRun) -> None:
    del run.evidence.lookups["intake-2026"].parts["m-1"]
    run.evidence.lookups["intake-2026"].counts = {}


def an_accepted_lookup_is_gone(run: CleanRun) -> None:
    run.requested = replace(run.requested, accepted=[*run.requested.accepted, ("lookup-gone", (ANNA, JUNK))])


def a_firing_without_a_lookup(run: CleanRun) -> None:
    run.requested = replace(run.requested, fired={"list0009": (ANNA, ANNA)})


def an_answer_says_too_little(run: CleanRun) -> None:
    run.requested = replace(run.requested, answered=[Answer((ANNA, JUNK), [dict(record("", ANNA, "found"))])])


def counts_that_lag_behind(run: CleanRun) -> None:
    run.lookup.counts = {**run.lookup.counts, "found": 0}


@pytest.mark.parametrize(
    ("plant", "lost"),
    [
        (a_part_without_its_object, 3),
        (a_message_never_counted, 1),
        (an_accepted_lookup_is_gone, 2),
        (a_firing_without_a_lookup, 2),
        (an_answer_says_too_little, 1),
        (counts_that_lag_behind, 2),  # the sum is short, and so is its part
    ],
)
def test_what_is_lost_is_found(clean_run: CleanRun, plant: Plant, lost: int) -> None:
    """Whatever has no outcome is counted as lost."""
    plant(clean_run)
    assert clean_run.counted()["lost"] == lost


def a_record_twice(run: CleanRun) -> None:
    objects = dict(run.evidence.objects)
    objects[KEY] = [*objects[KEY], objects[KEY][0]]
    run.evidence = replace(run.evidence, objects=objects)


def a_part_counted_twice(run: CleanRun) -> None:
    run.lookup.counts = {name: 2 * number for name, number in run.lookup.counts.items()}


def a_message_on_two_days(run: CleanRun) -> None:
    day = Lookup(f"{INTAKE}2027", counts=ONE_FOUND, parts={"m-1": Part(INTAKE_KEY, ONE_FOUND)})
    run.evidence = replace(run.evidence, lookups={**run.evidence.lookups, day.lookup_id: day})


def a_firing_with_two_lookups(run: CleanRun) -> None:
    run.requested = replace(run.requested, fired={"list0001": (ANNA,)})
    again = replace(run.lookup, lookup_id="list0001-y")
    run.evidence = replace(run.evidence, lookups={**run.evidence.lookups, "list0001-y": again})


@pytest.mark.parametrize(
    ("plant", "doubled"),
    [(a_record_twice, 1), (a_part_counted_twice, 6), (a_message_on_two_days, 1), (a_firing_with_two_lookups, 1)],
)
def test_what_is_doubled_is_found(clean_run: CleanRun, plant: Plant, doubled: int) -> None:
    """Whatever has more than one outcome is counted as doubled."""
    plant(clean_run)
    assert clean_run.counted()["doubled"] == doubled


def a_message_that_waits(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, waiting=1)


def a_lookup_that_never_ends(run: CleanRun) -> None:
    run.lookup.state = "active"


def a_part_that_is_still_out(run: CleanRun) -> None:
    run.lookup.out = 1


def users_that_are_still_out(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, sent_users=-1)


def a_claim_without_an_owner(run: CleanRun) -> None:
    run.lookup.claimed = True


@pytest.mark.parametrize(
    "plant",
    [
        a_message_that_waits, a_lookup_that_never_ends, a_part_that_is_still_out, users_that_are_still_out,
        a_claim_without_an_owner,
    ],
)  # fmt: skip
def test_what_is_stuck_is_found(clean_run: CleanRun, plant: Plant) -> None:
    """Whatever is left undone is counted as stuck."""
    plant(clean_run)
    assert clean_run.counted() == {"stuck": 1}


def an_unrequested_lookup(run: CleanRun) -> None:
    more = replace(run.lookup, lookup_id="lookup-z", roster="rosters/acme/other")
    run.evidence = replace(run.evidence, lookups={**run.evidence.lookups, "lookup-z": more})


def counts_other_than_what_is_kept(run: CleanRun) -> None:
    objects = dict(run.evidence.objects)
    objects[INTAKE_KEY] = [record("m-1", ANNA, "failed")]
    run.evidence = replace(run.evidence, objects=objects)


def an_answer_older_than_its_request(run: CleanRun) -> None:
    objects = dict(run.evidence.objects)
    objects[KEY] = [{**objects[KEY][0], "source": "stored"}, *objects[KEY][1:]]
    run.evidence = replace(run.evidence, objects=objects)
    run.lookup.submitted_at = FETCHED_AT + 1


@pytest.mark.parametrize(
    "plant",
    [
        an_answer_older_than_its_request, counts_other_than_what_is_kept, an_unrequested_lookup,
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(clean_run: CleanRun, plant: Plant) -> None:
    """Stale answers, unrequested work, counts other than the results': all count as wrong."""
    plant(clean_run)
    assert clean_run.counted() == {"wrong": 1}
