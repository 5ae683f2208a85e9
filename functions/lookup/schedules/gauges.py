"""Gauges once a minute of what waits: what an operator looks at first, and what alarms are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lookup.bulk.estimates import Backlog, minutes
from lookup.settings import Workspace
from lookup.telemetry import Metric


class Gauges:
    """Measures all workspaces together: users and lookups are summed, minutes and a shut gate are the worst of them."""

    def __init__(
        self,
        *,
        workspaces: Mapping[str, Workspace],
        backlog_of: Callable[[str], Backlog],
        is_shut: Callable[[str], bool],
        has_secret: Callable[[str], bool],
        record: Callable[[Metric, float], None],
    ) -> None:
        self._workspaces = workspaces
        self._backlog_of = backlog_of
        self._is_shut = is_shut
        self._has_secret = has_secret
        self._record = record

    def publish(self) -> None:
        """Measure, and record each gauge once."""
        waiting = {name: self._backlog_of(name) for name in self._workspaces}
        users = {name: float(backlog.users) for name, backlog in waiting.items()}
        self._record(Metric.BACKLOG_USERS, sum(users.values()))
        self._record(Metric.BACKLOG_MINUTES, max(self._minutes(name, left) for name, left in users.items()))
        self._record(Metric.LOOKUPS_IN_PROGRESS, sum(backlog.lookups for backlog in waiting.values()))
        self._record(Metric.GATE_IS_CLOSED, float(any(self._is_shut(name) for name in self._workspaces)))
        self._record(Metric.SECRETS_MISSING, sum(not self._has_secret(name) for name in self._workspaces))

    def _minutes(self, workspace: str, users: float) -> float:
        quota = self._workspaces[workspace].quota
        return minutes(users, quota.limit, quota.window)
