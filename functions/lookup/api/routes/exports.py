"""`POST /v1/lookups/…/exports`: the results of a lookup that has ended in one more format."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup.api.callers.auth import current_partner
from lookup.api.openapi.route_docs import POST_EXPORTS
from lookup.api.request_models import ExportOrder
from lookup.api.responses import json_response, lookup_json
from lookup.api.routes.lookups import LookupId
from lookup.bulk.control import LookupControl
from lookup.collection.exports.requested import ExportRequests
from lookup.collection.files import Format
from lookup.collection.published import PublishedResults


class ExportRoute:
    """The route that asks for exports."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        lookups: LookupControl,
        published: PublishedResults,
        exports: ExportRequests,
    ) -> None:
        self._app = app
        self._lookups = lookups
        self._published = published
        self._exports = exports
        app.post("/v1/lookups/<lookup_id>/exports", **POST_EXPORTS)(self._post_exports)

    def _post_exports(self, lookup_id: LookupId, order: ExportOrder) -> Response[str]:
        progress = self._lookups.readable(current_partner(self._app), lookup_id)
        for written_as in order.formats:
            self._exports.request(progress, Format(written_as))
        body = lookup_json(progress, None, self._published.of(progress))
        return json_response(body, HTTPStatus.ACCEPTED, {"Location": f"/v1/lookups/{lookup_id}"})
