"""Gauges of pending work, recorded once a minute."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lookup.bulk.estimates import Backlog
from lookup.ledger.shares import Share
from lookup.quota import Quota
from lookup.schedules.maintenance import Gauges
from lookup.settings import Workspace
from lookup.telemetry import Metric

WORKSPACES = {
    "default": Workspace("secret", quota=Quota(limit=1000)),
    "asia": Workspace("secret", quota=Quota(limit=500)),
}


def _recorded(
    waiting: Mapping[str, list[float]], shut: set[str], without_secret: frozenset[str] = frozenset()
) -> dict[Metric, float]:
    recorded: dict[Metric, float] = {}
    Gauges(
        workspaces=WORKSPACES,
        backlog_of=lambda name: Backlog(0, [Share("crm", running=len(waiting[name]), users=round(sum(waiting[name])))]),
        is_shut=lambda name: name in shut,
        has_secret=lambda name: name not in without_secret,
        record=recorded.__setitem__,
    ).publish()
    return recorded


def test_users_and_lookups_are_summed_and_the_slowest_workspace_gives_the_minutes() -> None:
    """2,000 users of a quota of 1,000 a minute and 3,000 of 500 are 5,000 users and six minutes."""
    assert _recorded({"default": [1500.0, 500.0], "asia": [3000.0]}, set()) == {
        Metric.BACKLOG_USERS: 5000,
        Metric.BACKLOG_MINUTES: pytest.approx(6.0),
        Metric.LOOKUPS_IN_PROGRESS: 3,
        Metric.GATE_IS_CLOSED: 0,
        Metric.SECRETS_MISSING: 0,
    }


@pytest.mark.parametrize(("shut", "recorded"), [(set(), 0), ({"asia"}, 1), ({"asia", "default"}, 1)])
def test_one_shut_gate_is_enough(shut: set[str], recorded: int) -> None:
    """The gauge is 1 as soon as one workspace's gate is closed, and 0 otherwise: zeros are recorded too."""
    assert _recorded({"default": [], "asia": []}, shut) == {
        Metric.BACKLOG_USERS: 0,
        Metric.BACKLOG_MINUTES: 0,
        Metric.LOOKUPS_IN_PROGRESS: 0,
        Metric.GATE_IS_CLOSED: recorded,
        Metric.SECRETS_MISSING: 0,
    }


def test_secrets_without_a_value_are_counted_without_requests() -> None:
    """One workspace of two without its secret's value is recorded as 1, every minute."""
    assert _recorded({"default": [], "asia": []}, set(), frozenset({"asia"}))[Metric.SECRETS_MISSING] == 1
