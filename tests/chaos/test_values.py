"""The checker finds a wrong value, an older fetch over a newer one, a quota that was exceeded, and a leak."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import pytest

from infra.local.simulator.process import WORKSPACE_ID, Arrival
from lookup.model import timestamp
from tests.chaos.conftest import ANNA, ATTRIBUTES, FETCHED_AT, INTAKE_KEY, NOBODY, CleanRun, call, record
from tests.chaos.entries import Entry
from tests.chaos.evidence import Profile
from tests.chaos.findings import Findings
from tests.chaos.report import recovery
from tests.chaos.value_checks import Truth, check_leaks, check_quota, needles

LEAKY = "CANARY-USER-1"


def test_nothing_is_found_where_nothing_is_wrong(clean_run: CleanRun) -> None:
    """Records and profiles that hold what MoEngage held are right."""
    assert clean_run.compared() == {}


@pytest.mark.parametrize("attributes", [{**ATTRIBUTES, "name": "Ann"}, {}, {**ATTRIBUTES, "more": None}])
def test_a_record_that_differs(clean_run: CleanRun, attributes: dict[str, str]) -> None:
    """A record with another value, without one, or with one too many is wrong."""
    objects = {**clean_run.evidence.objects, INTAKE_KEY: [record("m-1", ANNA, "found", attributes)]}
    clean_run.evidence = replace(clean_run.evidence, objects=objects)
    assert clean_run.compared() == {"wrong": 1}


def test_an_existing_user_is_not_missing(clean_run: CleanRun) -> None:
    """`not_found` of a user whom MoEngage knows is wrong."""
    objects = {**clean_run.evidence.objects, INTAKE_KEY: [record("m-1", ANNA, "not_found")]}
    clean_run.evidence = replace(clean_run.evidence, objects=objects)
    assert clean_run.compared() == {"wrong": 1}


def test_only_the_requested_fields(clean_run: CleanRun) -> None:
    """A message that requested some attributes has those and no others."""
    clean_run.truth = replace(clean_run.truth, fields_of={"m-1": ("name",)})
    assert clean_run.compared() == {"wrong": 1}


@pytest.mark.parametrize("entry", [ANNA, NOBODY])
def test_an_older_fetch_over_a_newer_one(clean_run: CleanRun, entry: Entry) -> None:
    """A stored profile that is older than a fetch that was recorded is wrong."""
    stored = replace(clean_run.evidence.profiles[entry], fetched_at=timestamp(FETCHED_AT - 1))
    clean_run.evidence = replace(clean_run.evidence, profiles={**clean_run.evidence.profiles, entry: stored})
    assert clean_run.compared() == {"wrong": 1}


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [(ATTRIBUTES, 0), ({**ATTRIBUTES, "name": "Ann"}, 1), ({**ATTRIBUTES, "more": "x"}, 1), ({}, 2)],
)
def test_every_fetch_that_is_left_of_a_profile(clean_run: CleanRun, attributes: dict[str, str], wrong: int) -> None:
    """A stored profile of two fetches holds of each what MoEngage held then: here of the name, and of all others."""
    of_two = Profile(timestamp(FETCHED_AT + 1), attributes, ("name",), {timestamp(FETCHED_AT): None})
    clean_run.evidence = replace(clean_run.evidence, profiles={**clean_run.evidence.profiles, ANNA: of_two})
    assert clean_run.compared() == ({"wrong": wrong} if wrong else {})


def test_a_profile_that_was_never_stored(clean_run: CleanRun) -> None:
    """What was recorded and is not among the profiles is wrong."""
    clean_run.evidence = replace(clean_run.evidence, profiles={ANNA: Profile(timestamp(FETCHED_AT), ATTRIBUTES, None)})
    assert clean_run.compared() == {"wrong": 1}


@pytest.mark.parametrize(("changed", "versions"), [(5.0, {0}), (-5.0, {1}), (0.5, {0, 1}), (-0.5, {0, 1})], ids=str)
def test_users_change(clean_run: CleanRun, changed: float, versions: set[int]) -> None:
    """Close to a change either version is right; away from it only the one that was in force."""
    truth = Truth(clean_run.truth.population, [(FETCHED_AT + changed,) * 2], blur=1.0)
    held = list(truth.held(("customer_id", "bert"), FETCHED_AT))
    every = [
        next(Truth(clean_run.truth.population, [(0.0, 0.0)] * number).held(("customer_id", "bert"), 1.0))
        for number in (0, 1)
    ]
    assert every[0] != every[1]
    assert held == [every[version] for version in sorted(versions)]


@pytest.mark.parametrize(
    ("calls", "exceeded"),
    [
        ([call(0, 0.0, 20), call(1, 1.0, 20)], 0),
        ([call(0, 0.0, 20), call(1, 1.0, 20), call(2, 3.0, 20)], 1),  # the window's bounds are in it
        ([call(0, 0.0, 20), call(1, 1.0, 20), call(2, 3.01, 20)], 0),
        ([call(0, 0.0, 20), call(1, 0.1, 20), call(2, 0.2, 1), call(3, 0.3, 1)], 2),
    ],
)
def test_the_quota(calls: list[Arrival], exceeded: int) -> None:
    """Every call at whose end a window of 3 s holds more than 40 users is one too many."""
    found = Findings()
    check_quota(calls, 40, 3.0, found)
    assert found.counts["quota_exceeded"] == exceeded


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("queue-0.log", json.dumps({"message": "a user", "nickname": LEAKY})),
        ("queue-0.log", json.dumps({"_aws": {}, "UsersFound": 1, "user": LEAKY})),
        ("event", json.dumps({"detail": {"lookup_id": "lookup-1", "first": LEAKY}})),
        ("dead letter", f'{{"reason": "{LEAKY}"}}'),
        ("queue-0.log", "Authorization: Basic " + b64encode(f"{WORKSPACE_ID}:KEY-1".encode()).decode()),
        ("queue-0.log", "KEY-1"),
        ("queue-0.log", "could not store u12345-000007"),
    ],
)
def test_leaks(source: str, text: str) -> None:
    """An attribute value, a key, bare or as it travels, and an identifier are found in whatever line they are."""
    found = Findings()
    lines = [("queue-0.log", "no finding"), (source, text)]
    searched = check_leaks(needles([LEAKY], ["KEY-1"], "u12345"), lines, found)
    assert searched[source] == sum(name == source for name, _ in lines)
    assert searched["metric"] == ("_aws" in text)
    assert found.counts["leaks"] == 1


def test_recovery() -> None:
    """Recovery lasts from the vendor's return to its first call that is answered with users."""
    failed = replace(call(1, 3.0, 20), status=503, fault="vendor_away")
    calls = [call(0, 1.0, 20), failed, call(2, 6.0, 20)]
    assert list(recovery(calls, [FETCHED_AT + 2, FETCHED_AT + 9])) == [4.0]
    assert list(recovery(calls, [FETCHED_AT + 2, FETCHED_AT + 5])) == [1.0]  # away again in between
