"""What a caller may see of the quota: the last minute per lane, and whether the gate is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup.api.auth import current_partner
from lookup.api.openapi.route_docs import GET_QUOTA
from lookup.api.query_string import WorkspaceName
from lookup.api.responses import json_response
from lookup.bulk.estimates import minutes
from lookup.gate.limiter import GateState
from lookup.ledger.daily_usage import DailyUsage, DailyUsageCounter, limit_headers
from lookup.model import Clock, timestamp


class QuotaRoutes:
    """`GET /v1/quota`; `state_of` reads a workspace's gate, `backlog_of` how many users its lookups wait for."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        state_of: Callable[[str], GateState],
        backlog_of: Callable[[str], float],
        daily: DailyUsageCounter,
        clock: Clock,
    ) -> None:
        self._app = app
        self._state_of = state_of
        self._backlog_of = backlog_of
        self._daily = daily
        self._clock = clock
        app.get("/v1/quota", **GET_QUOTA)(self._get_quota)

    def _get_quota(self, workspace: Annotated[WorkspaceName, Query()] = "default") -> Response[str]:
        partner = current_partner(self._app)
        partner.check_workspace(workspace)
        use = self._daily.today(partner)
        body = quota_json(workspace, self._state_of(workspace), self._backlog_of(workspace))
        today = {"today": None if use is None else use_json(use)}
        return json_response(body | today, headers=limit_headers(use, self._clock()))


def use_json(use: DailyUsage) -> dict[str, object]:
    """Write a partner's own use of the day, in users."""
    return {"users": use.users, "limit": use.limit, "left": use.left, "resets_at": timestamp(use.resets_at)}


def quota_json(workspace: str, state: GateState, backlog: float) -> dict[str, object]:
    """Write a gate's state; users are of the last `window_seconds`, the backlog in users and minutes of quota."""
    used = {lane.value: users for lane, users in state.granted.items()}
    return {
        "workspace": workspace,
        "window_seconds": state.window,
        "limit": state.limit,
        "full_limit": state.full_limit,
        "used": {**used, "total": sum(used.values())},
        "backlog": {"users": round(backlog), "minutes": round(minutes(backlog, state.limit, state.window), 1)},
        "gate": {
            "state": "closed" if state.is_closed else "open",
            "reason": state.closed_reason if state.is_closed else None,
            "closed_until": timestamp(state.closed_until) if state.closed_until else None,
            "epoch": state.epoch,
            "next_room": {lane.value: timestamp(moment) for lane, moment in state.next_room.items()},
        },
    }
