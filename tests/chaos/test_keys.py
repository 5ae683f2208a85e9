"""The checker finds a request with an Idempotency-Key that was served twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, JUNK, NOBODY, CleanRun, call
from tests.chaos.findings import Findings
from tests.chaos.key_checks import check_keys
from tests.chaos.ledger_evidence import Lookup
from tests.chaos.orders import Call, Listed

Plant = Callable[[CleanRun], None]
POSTED = Call(0.0, (ANNA, JUNK), (ANNA, JUNK), single=False, key="call-1")
ROSTER = Listed(0.0, "roster", "list0001", b"", (ANNA, NOBODY, JUNK), key="list-1")


def doubled(run: CleanRun) -> int:
    found = Findings()
    check_keys(run.requested, run.evidence, found)
    assert set(found.counts) <= {"doubled"}
    return found.counts["doubled"]


@pytest.fixture
def keyed(clean_run: CleanRun) -> CleanRun:
    """Return a run whose list and a request that became a lookup came with keys."""
    clean_run.requested = replace(
        clean_run.requested, requests=(POSTED, ROSTER), named={"call-1": ["lookup-1"]}, again=["me.2"]
    )
    clean_run.evidence = replace(clean_run.evidence, inline={"rosters/inline/lookup-1": (ANNA,)})
    a_lookup(clean_run, "lookup-1", "rosters/inline/lookup-1")
    return clean_run


def a_lookup(run: CleanRun, lookup_id: str, roster: str) -> None:
    run.evidence = replace(run.evidence, lookups={**run.evidence.lookups, lookup_id: Lookup(lookup_id, roster)})


def test_nothing_is_found_where_nothing_is_wrong(keyed: CleanRun) -> None:
    """One lookup for one key, however often it was answered."""
    keyed.requested = replace(keyed.requested, named={"call-1": ["lookup-1", "lookup-1"]})
    assert doubled(keyed) == 0


def answers_that_name_two(run: CleanRun) -> None:
    run.requested = replace(run.requested, named={"call-1": ["lookup-1", "lookup-2"]})


def two_lookups_of_a_roster(run: CleanRun) -> None:
    a_lookup(run, "lookup-9", "rosters/acme/list0001")


def two_lookups_of_a_request(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, inline={**run.evidence.inline, "rosters/inline/lookup-9": (ANNA,)})
    a_lookup(run, "lookup-9", "rosters/inline/lookup-9")


def called_for_a_replay(run: CleanRun) -> None:
    run.evidence = replace(run.evidence, arrivals=[call(0, 0.0, 20, forwarded_for="me.2")])


@pytest.mark.parametrize(
    "plant",
    [answers_that_name_two, two_lookups_of_a_roster, two_lookups_of_a_request, called_for_a_replay],
)
def test_what_is_served_twice(keyed: CleanRun, plant: Plant) -> None:
    """A second lookup for a key, in an answer or in the ledger, and a call for a replay are counted as doubled."""
    plant(keyed)
    assert doubled(keyed) == 1


@pytest.mark.parametrize("plant", [two_lookups_of_a_roster, two_lookups_of_a_request])
def test_without_a_key(keyed: CleanRun, plant: Plant) -> None:
    """A retry without a key may be served twice."""
    keyed.requested = replace(keyed.requested, requests=(replace(POSTED, key=None), replace(ROSTER, key=None)))
    plant(keyed)
    assert doubled(keyed) == 0
