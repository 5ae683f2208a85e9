"""The figures of an attack show what they are meant to show."""

from __future__ import annotations

from collections import Counter

import pytest

from infra.local.simulator.journal import Arrival
from tests.attack.measure import (
    holds_personal,
    lambda_seconds,
    over_limits,
    percentile,
    quota_used,
    users_of,
    worst_share,
)
from tests.attack.stage import ATTACKER_LIMIT, LIMIT, SECRET


def arrival(number: int, at: float, names: tuple[str, ...], *, counted: bool = True) -> Arrival:
    identifiers = tuple(("customer_id", name) for name in names)
    return Arrival(number, at, at, "w", len(names), 200, counted, identifiers=identifiers)


def test_users_are_counted_by_whose_name_they_bear() -> None:
    """Each user of a call that used quota counts for the partner that the identifier names."""
    calls = [arrival(0, 0.0, ("large-1", "large-2", "attacker-1")), arrival(1, 1.0, ("small-1",), counted=False)]
    assert users_of(calls) == {"large": 2, "attacker": 1}


@pytest.mark.parametrize(
    ("users", "share"),
    [
        ({"large": 300, "small": 100, "attacker": 100}, 1.0),
        ({"large": 150, "small": 100, "attacker": 250}, 0.5),
        ({"large": 400, "small": 20, "attacker": 80}, 0.2),
        ({"large": 600, "small": 200}, 1.25),
        ({}, 0.0),
    ],
)
def test_the_share_is_that_of_whoever_fared_worst(users: dict[str, int], share: float) -> None:
    """A share of one is what the weights 3, 1 and 1 are worth; less than that is a loss."""
    assert worst_share(Counter(users)) == pytest.approx(share)


def test_users_beyond_a_limit_are_counted() -> None:
    """Both the vendor's limit in any window and the attacker's own limit of the day count."""
    burst = [arrival(0, 0.0, ("large-1",) * LIMIT), arrival(1, 59.0, ("large-2",) * 7)]
    assert over_limits(burst, users_of(burst)) == 7
    apart = [arrival(0, 0.0, ("large-1",) * LIMIT), arrival(1, 60.1, ("large-2",) * 7)]
    assert over_limits(apart, users_of(apart)) == 0
    greedy = [arrival(0, 0.0, ("attacker-1",) * (ATTACKER_LIMIT + 3))]
    assert over_limits(greedy, users_of(greedy)) == 3


def test_the_quota_used_is_counted_behind_the_first_window() -> None:
    """The first window's users are there at once; what is used per window is counted from its end on."""
    calls = [arrival(n, 6.0 * n, ("large-1",) * (LIMIT // 20)) for n in range(31)]  # half of the limit per window
    assert quota_used(calls) == pytest.approx(0.5, rel=0.06)
    assert quota_used(calls[:5]) == 0.0


@pytest.mark.parametrize(
    ("values", "share", "value"),
    [
        ([], 99, 0.0),
        ([5.0], 99, 5.0),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 201)), 99, 198),
        ([3, 1, 2], 50, 2),
    ],
)
def test_percentiles(values: list[float], share: int, value: float) -> None:
    """A percentile is a value that was measured, and that so many per cent do not exceed."""
    assert percentile(values, share) == value


def test_personal_data_in_logs_is_seen() -> None:
    """Identifiers of any partner, what the adversary sends as such, and attributes count; names of partners do not."""
    for text in ("large-000001", '"attacker-00000012"', "attacker-erased-1", "stored-7", SECRET, "${jndi:ldap://x}"):
        assert holds_personal(f'{{"level":"INFO","message":"x {text}"}}')
    assert not holds_personal('{"partner":"attacker","lookup_id":"lookup-0a1b","message":"webhook not taken"}')


def test_durations_are_read_from_report_lines() -> None:
    """What Lambda charges is in its REPORT line; nothing else counts."""
    assert lambda_seconds("REPORT RequestId: 1-2\tDuration: 1250.5 ms\tBilled Duration: 1251 ms\t") == 1.2505
    assert lambda_seconds('{"message": "REPORT RequestId: x Duration: 5 ms"}') == 0.0
