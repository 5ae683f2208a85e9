"""The check of erasures finds what it is for: somebody left, an erasure without end, a record of nobody."""

from __future__ import annotations

import pytest

from tests.chaos.checks import check_counts
from tests.chaos.conftest import ANNA, CleanRun
from tests.chaos.entries import CUSTOMER
from tests.chaos.erasing import AT_ONCE, Erased, check_erased
from tests.chaos.findings import DOUBLED, LEAKS, LOST, STUCK, Findings
from tests.chaos.orders import ERASED_USERS, Drawing
from tests.chaos.plan import SMALL

ROSTER, PART = "rosters/acme/list0001", "parts/one"
PEOPLE = ["u-1", "u-2"]


@pytest.mark.parametrize(
    ("left", "numbers"),
    [
        (Erased({"erasure#1": "completed"}), {}),
        (Erased({"erasure#1": "completed"}, frozenset({ROSTER}), [(ROSTER, "u-1")]), {}),
        (Erased({"erasure#1": "completed"}, frozenset(), [(ROSTER, "u-1")]), {LEAKS: 1}),
        (Erased({"erasure#1": "completed"}, frozenset({ROSTER}), [(PART, "u-1"), (PART, "u-2")]), {LEAKS: 2}),
        (Erased({"erasure#1": "verifying"}), {STUCK: 1}),
        (Erased(), {STUCK: 1}),
    ],
)
def test_what_is_left_of_the_erased_is_found(left: Erased, numbers: dict[str, int]) -> None:
    """A copy that no receipt lists is a leak; an erasure that is not verified, or was never begun, is stuck."""
    found = Findings()
    check_erased(left, PEOPLE, found)
    assert {name: times for name, times in found.numbers.items() if times} == numbers


def test_an_outcome_must_name_nobody_for_the_erased_alone(clean_run: CleanRun) -> None:
    """Who is erased and still named, and who is not erased and not named, is one outcome lost and one too many."""
    (message,) = (one for one in clean_run.requested.messages.values() if one.entries)
    assert message.entries is not None
    everybody = frozenset(entry for entry in (*message.entries, ANNA) if entry[0] == CUSTOMER)
    object.__setattr__(clean_run.requested, "erased", everybody)
    check_counts(clean_run.requested, clean_run.evidence, clean_run.found)
    assert clean_run.found.numbers[LOST] == clean_run.found.numbers[DOUBLED] > 0


def test_who_is_erased_is_drawn_for_long_runs() -> None:
    """A long run erases people in whole groups, none of whom a caller got an answer about; a short one nobody."""
    orders = Drawing(5, 20.0).orders(SMALL)
    assert len(orders.erased) == ERASED_USERS
    assert ERASED_USERS % AT_ONCE == 0
    answered = {text for call in orders.calls for _, text in call.entries}
    assert not answered & set(orders.erased)
    assert Drawing(5, 20.0).orders(400).erased == ()
