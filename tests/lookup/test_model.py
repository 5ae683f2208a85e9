"""The words of the service: times, counts, coverage, masked keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup.model import (
    Counts,
    Identifier,
    IdentifierType,
    InvalidIdentifier,
    Outcome,
    Part,
    Profile,
    Status,
    epoch,
    timestamp,
)
from lookup.moengage.credentials import Credentials, DataCenter

ALICE = Identifier(IdentifierType.CUSTOMER_ID, "alice")
TIMES = st.floats(0, 4e9)


@given(TIMES)
def test_timestamps_are_read_back(time: float) -> None:
    """A written time is read back to the microsecond."""
    assert epoch(timestamp(time)) == pytest.approx(time, abs=1e-6)


@given(TIMES, TIMES)
def test_timestamps_sort_as_times_do(one: float, other: float) -> None:
    """Of two written times the later one is never the lesser text, and all have one width."""
    assert (timestamp(one) <= timestamp(other)) or one > other
    assert len(timestamp(one)) == len("2026-11-23T19:00:00.000000Z")


def test_a_timestamp() -> None:
    """A time is written as ISO 8601 in UTC."""
    assert timestamp(1_700_000_000.25) == "2023-11-14T22:13:20.250000Z"


@given(st.lists(st.sampled_from(Status)))
def test_counts_balance(statuses: list[Status]) -> None:
    """Counted outcomes always add up to what was requested, each under its own status."""
    counts = Counts.of(Outcome(ALICE, status) for status in statuses)
    assert counts.requested == len(statuses)
    assert counts.requested == counts.found + counts.not_found + counts.invalid + counts.failed
    assert counts.found == statuses.count(Status.FOUND)
    assert counts.not_found == statuses.count(Status.NOT_FOUND)
    assert counts.invalid == statuses.count(Status.INVALID)
    assert counts.failed == statuses.count(Status.FAILED)


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        (None, None, True),
        (None, ("name",), True),
        (("name",), None, False),
        (("name", "city"), ("name",), True),
        (("name",), ("name", "city"), False),
    ],
)
def test_coverage(held: tuple[str, ...] | None, wanted: tuple[str, ...] | None, *, covered: bool) -> None:
    """A profile answers a question exactly when it was fetched with all the fields wanted; None is all there are."""
    profile = Profile("default", ALICE, {}, 0.0, "lookup-1", held)
    assert profile.covers(wanted) is covered


def test_keys_do_not_show() -> None:
    """The representation of credentials never holds the key."""
    credentials = Credentials("W-1", "canary-key", DataCenter.DC_101)
    assert "canary-key" not in f"{credentials!r} {credentials} {[credentials]}"


def test_invalid_outcomes() -> None:
    """What was never sent has an outcome with the rule that it breaks."""
    outcome = Outcome.of_invalid(InvalidIdentifier("0", "blocked", line=7))
    assert (outcome.status, outcome.reason, outcome.profile) == (Status.INVALID, "blocked", None)


def test_freshness_of_a_part() -> None:
    """A part takes what was fetched at most `max_age` before its lookup was submitted."""
    assert Part("l", "1", "default", (ALICE,), submitted_at=1000.0, fed_at=2000.0, max_age=60.0).fresh_since == 940.0
