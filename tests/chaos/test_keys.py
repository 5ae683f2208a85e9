"""The checker finds a request with an Idempotency-Key that was served twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.conftest import ANNA, JUNK, NOBODY, WentWell, call
from tests.chaos.findings import Findings
from tests.chaos.key_checks import check_keys
from tests.chaos.ledger_evidence import Lookup
from tests.chaos.orders import Call, Listed

Plant = Callable[[WentWell], None]
POSTED = Call(0.0, (ANNA, JUNK), (ANNA, JUNK), single=False, key="call-1")
ROSTER = Listed(0.0, "roster", "list0001", b"", (ANNA, NOBODY, JUNK), key="list-1")


def doubled(run: WentWell) -> int:
    found = Findings()
    check_keys(run.asked, run.evidence, found)
    assert set(found.counts) <= {"doubled"}
    return found.counts["doubled"]


@pytest.fixture
def keyed(went_well: WentWell) -> WentWell:
    """Let the list and a request that became a lookup have come with keys."""
    went_well.asked = replace(
        went_well.asked, requests=(POSTED, ROSTER), named={"call-1": ["lookup-1"]}, again=["me.2"]
    )
    went_well.evidence = replace(went_well.evidence, inline={"rosters/inline/lookup-1": (ANNA,)})
    a_lookup(went_well, "lookup-1", "rosters/inline/lookup-1")
    return went_well


def a_lookup(run: WentWell, lookup_id: str, roster: str) -> None:
    run.evidence = replace(run.evidence, lookups={**run.evidence.lookups, lookup_id: Lookup(lookup_id, roster)})


def test_nothing_is_found_where_nothing_is_wrong(keyed: WentWell) -> None:
    """One lookup for one key, however often it was answered."""
    keyed.asked = replace(keyed.asked, named={"call-1": ["lookup-1", "lookup-1"]})
    assert doubled(keyed) == 0


def answers_that_name_two(run: WentWell) -> None:
    run.asked = replace(run.asked, named={"call-1": ["lookup-1", "lookup-2"]})


def two_lookups_of_a_roster(run: WentWell) -> None:
    a_lookup(run, "lookup-9", "rosters/acme/list0001")


def two_lookups_of_a_request(run: WentWell) -> None:
    run.evidence = replace(run.evidence, inline={**run.evidence.inline, "rosters/inline/lookup-9": (ANNA,)})
    a_lookup(run, "lookup-9", "rosters/inline/lookup-9")


def asked_though_it_was_answered(run: WentWell) -> None:
    run.evidence = replace(run.evidence, arrivals=[call(0, 0.0, 20, forwarded_for="me.2")])


@pytest.mark.parametrize(
    "plant",
    [answers_that_name_two, two_lookups_of_a_roster, two_lookups_of_a_request, asked_though_it_was_answered],
)
def test_what_is_served_twice(keyed: WentWell, plant: Plant) -> None:
    """A second lookup for a key, in an answer or in the ledger, and a call for a replay are counted as doubled."""
    plant(keyed)
    assert doubled(keyed) == 1


@pytest.mark.parametrize("plant", [two_lookups_of_a_roster, two_lookups_of_a_request])
def test_without_a_key(keyed: WentWell, plant: Plant) -> None:
    """Who sends no key and asks again may be served twice."""
    keyed.asked = replace(keyed.asked, requests=(replace(POSTED, key=None), replace(ROSTER, key=None)))
    plant(keyed)
    assert doubled(keyed) == 0
