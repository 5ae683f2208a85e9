"""What a caller may see of the quota: the last minute, hour and day per lane, what waits, and the state of the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup.api.callers.auth import Caller, current_caller
from lookup.api.conditional import IfNoneMatch, conditional_json
from lookup.api.openapi.route_docs import GET_QUOTA
from lookup.api.query_string import WorkspaceName
from lookup.bulk.estimates import Backlog, drained_at, minutes
from lookup.gate.limiter import GateState
from lookup.ledger.usage.daily_usage import DailyUsage, DailyUsageCounter, limit_headers
from lookup.ledger.usage.quota_history import QuotaHistory
from lookup.model import Clock, Period, timestamp

MINUTES = "Minutes of history, up to 60: `minutes`, and `last_day` with it. 0: none."
MOVING = frozenset({"at", "next_room", "done_at"})  # times that move on while nothing happens: no news by themselves
# What closed the gate, and what follows (`docs/operations.md`, "What closes the gate").
EXPLANATIONS: Mapping[str, str] = {
    "credentials": "MoEngage rejects the workspace's key: an operator puts the right one into the secret.",
    "refused": "MoEngage refuses the workspace's calls: an operator must find out why.",
    "throttled": "MoEngage says that too many users were requested; calls go on by themselves, at a lower limit first.",
    "trouble": "MoEngage does not answer, or with errors; a call tries again from time to time.",
}


@dataclass(frozen=True, slots=True)
class QuotaSources:
    """Where the quota's facts are read, each by the name of a workspace. `dead_letters` counts them by queue."""

    state: Callable[[str], GateState]
    backlog: Callable[[str], Backlog]
    history: Callable[[str], QuotaHistory]
    dead_letters: Callable[[], Mapping[str, int]]


class QuotaRoutes:
    """`GET /v1/quota`."""

    def __init__(
        self, app: APIGatewayHttpResolver, *, sources: QuotaSources, daily: DailyUsageCounter, clock: Clock
    ) -> None:
        self._app = app
        self._sources = sources
        self._daily = daily
        self._clock = clock
        app.get("/v1/quota", **GET_QUOTA)(self._get_quota)

    def _get_quota(
        self,
        workspace: Annotated[WorkspaceName, Query()] = "default",
        minutes: Annotated[int, Query(ge=0, le=60, description=MINUTES)] = 0,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        caller = current_caller(self._app)
        caller.partner.check_workspace(workspace)
        use = self._daily.today(caller.partner)
        state, backlog = self._sources.state(workspace), self._sources.backlog(workspace)
        now = self._clock()
        body = quota_json(workspace, state, backlog, now) | {
            "lookups": lookups_json(backlog, caller),
            "today": None if use is None else use_json(use),
        }
        if minutes:
            body |= history_json(self._sources.history(workspace), minutes)
        if caller.is_operator:
            body |= {"dead_letters": dict(self._sources.dead_letters())}
        return conditional_json(body, if_none_match, moving=MOVING, headers=limit_headers(use, now))


def use_json(use: DailyUsage) -> dict[str, object]:
    """Write a partner's own use of the day, in users."""
    return {"users": use.users, "limit": use.limit, "left": use.left, "resets_at": timestamp(use.resets_at)}


def quota_json(workspace: str, state: GateState, backlog: Backlog, now: float) -> dict[str, object]:
    """Write a gate's state; users are of the last `window_seconds`, the backlog in users and minutes of quota."""
    used = {lane.value: users for lane, users in state.granted.items()}
    return {
        "workspace": workspace,
        "at": timestamp(now),
        "window_seconds": state.window,
        "limit": state.limit,
        "full_limit": state.full_limit,
        "used": {**used, "total": sum(used.values())},
        "window": periods_json([step for step in state.steps if step.end > now - state.window]),
        "backlog": backlog_json(backlog, state, now),
        "gate": gate_json(state),
    }


def gate_json(state: GateState) -> dict[str, object]:
    """Write whether a gate is open, since when, and why not."""
    reason = state.closed_reason if state.is_closed else None
    return {
        "state": "closed" if state.is_closed else "open",
        "reason": reason,
        "explanation": None if reason is None else EXPLANATIONS.get(reason),
        "since": None if state.changed_at is None else timestamp(state.changed_at),
        "closed_until": timestamp(state.closed_until) if state.closed_until else None,
        "epoch": state.epoch,
        "next_room": {lane.value: timestamp(moment) for lane, moment in state.next_room.items()},
    }


def backlog_json(backlog: Backlog, state: GateState, now: float) -> dict[str, object]:
    """Write what submitted lookups wait for, in users and minutes of quota, and when that will have been requested."""
    begins_at = max(now, state.closed_until or 0.0)
    done_at = drained_at(backlog.users, state.full_limit, state.window, begins_at) if backlog.users else None
    return {
        "users": backlog.users,
        "minutes": round(minutes(backlog.users, state.limit, state.window), 1),
        "done_at": None if done_at is None else timestamp(done_at),
    }


def lookups_json(backlog: Backlog, caller: Caller) -> dict[str, int]:
    """Write how many lookups go on: the caller's own, an operator's of all partners."""
    shares = [one for one in backlog.shares if caller.is_operator or one.partner == caller.partner.name]
    return {"running": sum(one.running for one in shares), "unfinished": sum(one.unfinished for one in shares)}


def history_json(history: QuotaHistory, minutes: int) -> dict[str, object]:
    """Write what was granted until the last sample: in steps of about a minute, and in a day."""
    day = history.last_day()
    return {
        "minutes": periods_json(history.steps(minutes)),
        "last_day": None if day is None else {**period_json(day), "users": day.on_demand + day.bulk},
    }


def periods_json(periods: Sequence[Period]) -> list[dict[str, object]]:
    """Write periods, oldest first."""
    return [period_json(one) for one in periods]


def period_json(one: Period) -> dict[str, object]:
    """Write how many users were granted in a time, per lane."""
    return {"from": timestamp(one.start), "until": timestamp(one.end), "on_demand": one.on_demand, "bulk": one.bulk}
