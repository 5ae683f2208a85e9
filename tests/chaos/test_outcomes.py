"""The checker finds outcomes without a cause: identifiers missing or failed though the vendor answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from infra.local.simulator.process import Arrival
from infra.local.simulator.users.population import Population
from lookup.fetch.neutral_calls import NEUTRAL_ID as NEUTRAL
from tests.chaos.conftest import ANNA, ATTRIBUTES, JUNK, NOBODY, CleanRun, call, record
from tests.chaos.entries import Entry
from tests.chaos.evidence import Record
from tests.chaos.findings import Findings
from tests.chaos.outcome_checks import VendorLog, check_outcomes
from tests.chaos.requested import CALL, LIST, QUEUE, Served, served

EVERYBODY = Population(0.0)
BERT: Entry = ("customer_id", "bert")
STRUCK = {"status": 503, "fault": "vendor_503"}


def failed(entry: Entry, reason: str, part: str = "1") -> Record:
    return {**record(part, entry, "failed"), "reason": reason}


def requested(entry: Entry, *others: Entry, **facts: object) -> Arrival:
    return call(0, 0.0, 1 + len(others), identifiers=(entry, *others), **facts)


def wrong(served_: Iterable[Served], calls: Iterable[Arrival], *, share: float = 0.0) -> int:
    found = Findings()
    check_outcomes(list(served_), EVERYBODY, VendorLog(calls), share, found)
    return found.counts["wrong"]


def test_nothing_is_found_where_nothing_is_wrong(clean_run: CleanRun) -> None:
    """Users that exist are found, others are not."""
    found = Findings()
    check_outcomes(
        list(served(clean_run.requested, clean_run.evidence)), clean_run.truth.population, VendorLog(()), 0.0, found
    )
    assert found.is_empty


@pytest.mark.parametrize(("entry", "status"), [(ANNA, "not_found"), (NOBODY, "found")])
def test_existence(entry: Entry, status: str) -> None:
    """An answer without a time, as a GET that ends in 404, is compared with who exists too."""
    outcome = {"identifier_type": entry[0], "identifier": entry[1], "outcome": status}
    assert wrong([Served(CALL, "answer", (entry,), [outcome])], ()) == 1


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (LIST, "throttled"), (QUEUE, "rejected"), (LIST, "vendor_trouble"), (CALL, "no_answer"),
        (LIST, "cancelled"), (QUEUE, "refused"),
    ],
)  # fmt: skip
def test_reasons_that_must_not_be(way: str, reason: str) -> None:
    """Each way in has its own reasons to fail; to be throttled is none."""
    one = Served(way, "one", (ANNA,), [failed(ANNA, reason)], ["me.1"])
    assert wrong([one], [requested(ANNA, **STRUCK, forwarded_for="me.1")]) == 1


@pytest.mark.parametrize(
    ("way", "reason", "calls", "number"),
    [
        (LIST, "no_answer", [requested(BERT, **STRUCK)], 0),  # a part fails as one
        (LIST, "no_answer", [requested(BERT)], 1),
        (LIST, "no_answer", [], 1),
        (QUEUE, "no_answer", [requested(NOBODY, **STRUCK)], 1),
        (LIST, "unaccounted", [requested(ANNA, fault="vendor_unaccounted")], 0),
        (LIST, "unaccounted", [requested(ANNA, BERT, fault="vendor_unaccounted")], 1),  # not asked alone again
        (LIST, "unaccounted", [requested(BERT, fault="vendor_unaccounted")], 1),
        (CALL, "unaccounted", [requested(ANNA, fault="vendor_unaccounted", forwarded_for="me.1")], 0),
        (CALL, "unaccounted", [requested(ANNA, fault="vendor_unaccounted")], 1),  # of another request
        (LIST, "unreadable", [requested(ANNA, BERT, fault="vendor_not_a_number#1")], 0),
        (
            LIST,
            "unreadable",
            [requested(BERT, ANNA, fault="vendor_not_a_number")],
            1,
        ),  # another one's profile was spoilt
        (LIST, "unreadable", [requested(ANNA, fault="vendor_truncated")], 0),
        (LIST, "unreadable", [requested(ANNA, BERT, fault="vendor_truncated")], 1),  # not asked alone
        (CALL, "unreadable", [requested(ANNA, fault="vendor_no_attributes", forwarded_for="me.1")], 0),
        (CALL, "unreadable", [requested(ANNA, fault="vendor_no_attributes", forwarded_for="you.1")], 1),
        (QUEUE, "refused_by_vendor", [requested(ANNA, status=403, fault="vendor_firewall")], 0),
        (QUEUE, "refused_by_vendor", [requested(ANNA, BERT, status=403, fault="vendor_firewall")], 1),
        (QUEUE, "refused_by_vendor", [requested(ANNA, **STRUCK)], 1),
        (QUEUE, "unanswerable", [requested(ANNA, **STRUCK)] * 3, 0),
        (QUEUE, "unanswerable", [requested(ANNA, **STRUCK)] * 2 + [requested(ANNA, BERT, **STRUCK)], 1),  # twice alone
        (CALL, "unanswerable", [requested(ANNA, **STRUCK, forwarded_for="me.1")] * 3, 0),
        (CALL, "unanswerable", [requested(ANNA, **STRUCK)] * 3, 1),  # by another request
        (CALL, "vendor_trouble", [requested(BERT, **STRUCK, forwarded_for="me.2")], 0),
        (CALL, "vendor_trouble", [requested(ANNA, **STRUCK, forwarded_for="you.1")], 1),
        (CALL, "vendor_trouble", [requested(("customer_id", NEUTRAL), **STRUCK)], 0),  # a call for nobody showed it
        (CALL, "vendor_trouble", [requested(("customer_id", NEUTRAL))], 1),
        (
            CALL,
            "vendor_trouble",
            [requested(ANNA, **STRUCK, forwarded_for="me.2"), requested(ANNA, forwarded_for="me.2")],
            1,
        ),
        (
            CALL,
            "vendor_trouble",
            [requested(ANNA, **STRUCK, forwarded_for="me.2"), requested(ANNA, forwarded_for="me.1")],
            0,
        ),
    ],
)
def test_failures_without_a_cause(way: str, reason: str, calls: list[Arrival], number: int) -> None:
    """What failed was in a call that was struck, by the vendor's own log, and in none that was answered."""
    outcomes = [failed(ANNA, reason), record("1", BERT, "found", ATTRIBUTES)]
    assert wrong([Served(way, "one", (ANNA, BERT), outcomes, ["me.1", "me.2"])], calls) == number


def many(way: str, found: int, not_answered: int) -> list[Served]:
    entries = [("customer_id", f"user-{number}") for number in range(found + not_answered)]
    outcomes = [record("1", one, "found") for one in entries[:found]]
    outcomes += [failed(one, "vendor_trouble" if way == CALL else "no_answer") for one in entries[found:]]
    return [
        Served(way, f"one {number}", entries[number : number + 10], outcomes[number : number + 10], ["me.1"])
        for number in range(0, len(entries), 10)
    ]


@pytest.mark.parametrize("way", [QUEUE, CALL, LIST])
@pytest.mark.parametrize(("found", "lacking"), [(80, 0), (70, 0), (69, 1), (0, 1)])
def test_too_few_are_found(way: str, found: int, lacking: int) -> None:
    """However well each failure is explained, no larger share than the plan's may fail, but for one part."""
    some = many(way, found, 100 - found)
    calls = [requested(one, **STRUCK, forwarded_for="me.1") for each in some for one in each.entries]
    assert wrong(some, calls, share=0.2) == lacking


def test_a_pulse_is_a_fault_of_its_kind() -> None:
    """Whoever stood first in a call of a pulse that forgets one has no answer by it, the others have."""
    log = VendorLog([requested(ANNA, BERT, fault="vendor_unaccounted#3"), requested(JUNK, fault="vendor_unasked#4")])
    assert (ANNA in log.answered, BERT in log.answered, ANNA in log.struck) == (False, True, False)


def test_who_was_answered_may_fail_in_another_try() -> None:
    """An answer that died with its process does not bind the next try."""
    calls = [requested(ANNA, forwarded_for="me.1"), requested(ANNA, **STRUCK, forwarded_for="me.2")]
    one = Served(CALL, "one", (ANNA,), [failed(ANNA, "vendor_trouble")], ["me.1", "me.2"])
    assert wrong([one], calls) == 0
    assert wrong([replace(one, marks=["me.2", "me.1"])], calls) == 1


def test_one_call_for_nobody_excuses_one_answer() -> None:
    """Of two answers that failed without a call of their own, one struck call for nobody explains one."""
    outcomes = [failed(ANNA, "vendor_trouble"), record("1", BERT, "found", ATTRIBUTES)]
    answers = [Served(CALL, name, (ANNA, BERT), outcomes, [f"{name}.1"]) for name in ("one", "two")]
    calls = [requested(("customer_id", NEUTRAL), **STRUCK)]
    assert (wrong(answers[:1], calls), wrong(answers, calls), wrong(answers, calls * 2)) == (0, 1, 0)
