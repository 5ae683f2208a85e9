"""`/v1/rosters/…`: files of identifiers, uploaded and deleted."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from lookup.api.callers.auth import current_partner
from lookup.api.openapi.route_docs import DELETE_ROSTER, POST_ROSTERS
from lookup.api.request_models import RosterUpload
from lookup.api.responses import json_response
from lookup.aws.signed_urls import expires_at
from lookup.model import Clock, timestamp
from lookup.rosters.keys import key_of
from lookup.rosters.retention import RosterRetention
from lookup.rosters.uploads import OpenUploads, RosterUploads

RosterId = Annotated[str, Path(max_length=64)]


class RosterRoutes:
    """A partner's rosters by id."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        uploads: RosterUploads,
        open_uploads: OpenUploads,
        retention: RosterRetention,
        clock: Clock,
    ) -> None:
        self._app = app
        self._uploads = uploads
        self._open_uploads = open_uploads
        self._retention = retention
        self._clock = clock
        app.post("/v1/rosters", **POST_ROSTERS)(self._post_rosters)
        app.delete("/v1/rosters/<roster_id>", **DELETE_ROSTER)(self._delete_roster)

    def _post_rosters(self, order: RosterUpload) -> Response[str]:
        partner = current_partner(self._app)
        upload = self._uploads.sign(partner.name, order.bytes)
        ends = expires_at(upload.url)
        self._open_uploads.count(partner.name, ends)
        how = {
            "method": "PUT",
            "url": upload.url,
            "headers": upload.headers,
            "expires_in": max(0, int(ends - self._clock())),
            "expires_at": timestamp(ends),
        }
        return json_response({"roster_id": upload.roster_id, "upload": how}, HTTPStatus.CREATED)

    def _delete_roster(self, roster_id: RosterId) -> Response[str]:
        self._retention.delete(key_of(current_partner(self._app).name, roster_id))
        return Response(HTTPStatus.NO_CONTENT.value, body="")
