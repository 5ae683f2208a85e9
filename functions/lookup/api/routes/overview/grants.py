"""What a caller may do, as one answer: pages ask for it at their start."""

from __future__ import annotations

from typing import get_args

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup.api.callers.auth import Caller, current_caller
from lookup.api.conditional import IfNoneMatch, conditional_json
from lookup.api.openapi.route_docs import GET_GRANTS
from lookup.api.request_models import ERASED_LIMIT, INLINE_LIMIT, FormatBeside
from lookup.model import PART_LIMIT
from lookup.partners import Partner
from lookup.rosters.decompression import MEGABYTE
from lookup.settings import Settings


class GrantRoutes:
    """`GET /v1/grants`."""

    def __init__(self, app: APIGatewayHttpResolver, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        app.get("/v1/grants", **GET_GRANTS)(self._get_grants)

    def _get_grants(self, if_none_match: IfNoneMatch = None) -> Response[str]:
        return conditional_json(grants_json(current_caller(self._app), self._settings), if_none_match)


def grants_json(caller: Caller, settings: Settings) -> dict[str, object]:
    """Write a caller's grants and the limits that its requests meet; `fields` of null are all."""
    partner, known = caller.partner, settings.workspaces
    return {
        "partner": partner.name,
        "is_operator": caller.is_operator,
        "scopes": sorted(caller.scopes),
        "lanes": [lane.value for lane in partner.lanes],
        "users_per_day": partner.users_per_day,
        "workspaces": [_workspace_json(partner, name, settings) for name in partner.workspaces if name in known],
        "limits": {
            "identifiers": INLINE_LIMIT,
            "identifiers_to_wait": PART_LIMIT,
            "roster_bytes": settings.roster_megabytes * MEGABYTE,
            "lookups": settings.lookups_per_partner,
            "schedules": settings.schedules_per_partner,
            "uploads": settings.uploads_per_partner,
            "erased": ERASED_LIMIT,
        },
        "formats": list(get_args(FormatBeside)),
    }


def _workspace_json(partner: Partner, name: str, settings: Settings) -> dict[str, object]:
    workspace = settings.workspace(name)
    fields = partner.visible_fields(workspace.fields)
    return {
        "name": name,
        "fields": None if fields is None else list(fields),
        "quota": {"limit": workspace.quota.limit, "window_seconds": workspace.quota.window},
        "keeps_profiles": workspace.keep_profiles,
    }
