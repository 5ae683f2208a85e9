"""`POST /v1/rosters/{roster_id}/preview`: what a lookup would make of an upload, before anything is fetched."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from lookup.api.callers.auth import current_partner
from lookup.api.openapi.route_docs import PREVIEW_ROSTER
from lookup.api.responses import json_response
from lookup.ledger.model import Roster
from lookup.rosters.keys import key_of
from lookup.rosters.preview import Preview
from lookup.rosters.store import RosterStore

RosterId = Annotated[str, Path(max_length=64)]


class PreviewRoute:
    """The preview of a partner's own upload; it costs one read of 64 KB."""

    def __init__(self, app: APIGatewayHttpResolver, *, rosters: RosterStore) -> None:
        self._app = app
        self._rosters = rosters
        app.post("/v1/rosters/<roster_id>/preview", **PREVIEW_ROSTER)(self._post_preview)

    def _post_preview(self, roster_id: RosterId) -> Response[str]:
        partner = current_partner(self._app)
        roster, preview = self._rosters.preview(key_of(partner.name, roster_id))
        return json_response(preview_json(roster_id, roster, preview))


def preview_json(roster_id: str, roster: Roster, preview: Preview) -> dict[str, object]:
    """Write a preview as the API answers it."""
    return {
        "roster_id": roster_id,
        "bytes": roster.size,
        "entries": roster.entries,
        "entries_is_estimated": not preview.is_whole,
        "format": preview.kind.value,
        "delimiter": preview.delimiter,
        "column": preview.column,
        "type_column": preview.type_column,
        "identifier_type": preview.identifier_type,
        "read": preview.entries,
        "first": [
            {"identifier_type": one.identifier_type.value, "identifier": one.identifier} for one in preview.first
        ],
        "invalid": preview.invalid,
        "first_invalid": [
            {"line": one.line, "text": one.excerpt, "reason": one.reason} for one in preview.first_invalid
        ],
        "notes": list(preview.notes),
    }
