"""Schedules as partners write them: what EventBridge Scheduler takes passes, what it refuses names its field."""

from __future__ import annotations

import pytest

from lookup.errors import InvalidInput
from lookup.schedules.store import Schedule, check

GOOD = [
    "rate(1 minute)",
    "rate(2 minutes)",
    "rate(1 hour)",
    "rate(36 hours)",
    "rate(1 day)",
    "rate(365 days)",
    "cron(0 6 * * ? *)",
    "cron(0/15 * ? * MON-FRI *)",
    "cron(5,35 8-18/2 L * ? 2027-2030)",
    "cron(0 0 15W JAN,JUL ? *)",
    "cron(0 12 ? * 6L *)",
    "cron(0 12 ? * FRI#2 *)",
    "cron(59 23 LW 12 ? *)",
    "cron(0 3 ? * L *)",
    "cron(0 3 L * ? *)",
    "cron(0 3 ? * SATL *)",
    "cron(0 3 ? * 3#2 *)",
    "cron(0 3 ? FEB-APR,10 2-6 *)",
    "cron(1/10 */2 ? * SUN,3,FRI-SAT 2026/2)",
    "cron(0  3\t? * L *)",
]
BAD = [
    "",
    "rate(0 minutes)",
    "rate(1 minutes)",
    "rate(2 minute)",
    "rate(1.5 hours)",
    "rate(1 week)",
    "rate(-1 days)",
    "Rate(1 day)",
    "rate(1 day) ",
    "at(2026-11-23T20:00:00)",
    "0 6 * * ? *",
    "cron(0 6 * * *)",
    "cron(0 6 * * * *)",
    "cron(0 6 ? * ? *)",
    "cron(60 6 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 6 0 * ? *)",
    "cron(0 6 32W * ? *)",
    "cron(0 6 * 13 ? *)",
    "cron(0 6 * FOO ? *)",
    "cron(0 6 ? * 8 *)",
    "cron(0 6 ? * MON#6 *)",
    "cron(0 6 ? * 3#1,6#3 *)",
    "cron(0 6 ? * L#2 *)",
    "cron(0 6 ? * MON,L *)",
    "cron(0 6 ? * 8L *)",
    "cron(0 6 ? * 3W *)",
    "cron(0 6 3L * ? *)",
    "cron(0 6 3#2 * ? *)",
    "cron(0 L * * ? *)",
    "cron(0 6 L * L *)",
    "cron(0 6 ? L MON *)",
    "cron( 0 6 * * ? *)",
    "cron(0 6 * * ? 1969)",
    "cron(0/0 6 * * ? *)",
    "cron(, 6 * * ? *)",
    "cron(0 6 * * ? *)\n",
]


@pytest.mark.parametrize("expression", GOOD)
def test_good_expressions(expression: str) -> None:
    """Whatever the Scheduler's guide shows passes."""
    check(Schedule("nightly", expression, "rosters/acme/1"))


@pytest.mark.parametrize("expression", BAD)
def test_bad_expressions(expression: str) -> None:
    """Whatever it would refuse names the field `expression`."""
    with pytest.raises(InvalidInput) as refused:
        check(Schedule("nightly", expression, "rosters/acme/1"))
    assert refused.value.field == "expression"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_time_zones(zone: str) -> None:
    """Any IANA time zone passes."""
    check(Schedule("nightly", "rate(1 day)", "rosters/acme/1", time_zone=zone))


@pytest.mark.parametrize("zone", ["", "Europe/Nowhere", "CEST+1", "../../etc/passwd", "europe/berlin", "x" * 5000])
def test_no_time_zones(zone: str) -> None:
    """Anything else names the field `time_zone`, in a short text."""
    with pytest.raises(InvalidInput) as refused:
        check(Schedule("nightly", "rate(1 day)", "rosters/acme/1", time_zone=zone))
    assert refused.value.field == "time_zone"
    assert len(refused.value.rule) < 120


@pytest.mark.parametrize("name", ["", "-nightly", "Nightly", "9am", "a.b", "a/b", "a b", "n" * 31, "nightly\n"])
def test_names(name: str) -> None:
    """A name is letters, digits and hyphens, at most 30, beginning with a letter."""
    with pytest.raises(InvalidInput) as refused:
        check(Schedule(name, "rate(1 day)", "rosters/acme/1"))
    assert refused.value.field == "name"
