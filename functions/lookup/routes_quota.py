"""What a caller may see of the quota: the last minute per lane, and whether the gate is open."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup import wire
from lookup.api_schemas import WorkspaceName
from lookup.gate import GateState
from lookup.model import timestamp


class QuotaRoutes:
    """`GET /v1/quota`; `state_of` reads the gate of a workspace and raises `UnknownWorkspace`."""

    def __init__(self, app: APIGatewayHttpResolver, state_of: Callable[[str], GateState]) -> None:
        self._state_of = state_of
        app.get("/v1/quota")(self._get_quota)

    def _get_quota(self, workspace: Annotated[WorkspaceName, Query()] = "default") -> Response[str]:
        body = wire.dumps(quota_json(workspace, self._state_of(workspace))).decode()
        return Response(HTTPStatus.OK.value, "application/json", body, {"Cache-Control": "no-store"})


def quota_json(workspace: str, state: GateState) -> dict[str, object]:
    """Write a gate's state; users are of the last `window_seconds`."""
    used = {lane.value: users for lane, users in state.granted.items()}
    return {
        "workspace": workspace,
        "window_seconds": int(state.window) if state.window.is_integer() else str(state.window),
        "limit": state.limit,
        "full_limit": state.full_limit,
        "used": {**used, "total": sum(used.values())},
        "gate": {
            "state": "closed" if state.is_closed else "open",
            "reason": state.closed_reason if state.is_closed else None,
            "closed_until": timestamp(state.closed_until) if state.closed_until else None,
            "epoch": state.epoch,
            "next_room": {lane.value: timestamp(moment) for lane, moment in state.next_room.items()},
        },
    }
