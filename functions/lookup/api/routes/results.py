"""`/v1/lookups/…/results`: the files of a lookup, or while it runs those of its parts."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from lookup.api.callers.auth import current_partner
from lookup.api.openapi.route_docs import GET_RESULT_FILE, GET_RESULTS
from lookup.api.responses import json_response, link_next, published_json, record_json
from lookup.api.routes.lookups import PAGE, After, LookupId
from lookup.bulk.control import LookupControl
from lookup.collection.files import Format, formats_of
from lookup.collection.published import PublishedFile, PublishedResults
from lookup.errors import Conflict, InvalidInput, NotFound
from lookup.ledger.collecting.collections import Collection, CollectionState
from lookup.ledger.model import LookupRecord

FileName = Annotated[str, Path(max_length=300, description="`name` of a file.")]
FileFormat = Annotated[
    Literal["ndjson", "parquet", "csv", "csv_bom"] | None,
    Query(alias="format", description="Only files of this format."),
]
Only = Annotated[
    Literal["changed"] | None,
    Query(description="`changed`: the files with only what is new, gone or different since the fetch before."),
]
Parts = Annotated[bool, Query(description="List the parts, a page at a time, also while the lookup runs.")]
SignNamed = Callable[[str, str | None], str]


class ResultRoutes:
    """`sign` makes a URL of an object's key, and of the name under which it is to be saved."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        lookups: LookupControl,
        published: PublishedResults,
        keeps_profiles: Callable[[str], bool],
        sign: SignNamed,
    ) -> None:
        self._app = app
        self._lookups = lookups
        self._published = published
        self._keeps_profiles = keeps_profiles
        self._sign = sign
        app.get("/v1/lookups/<lookup_id>/results", **GET_RESULTS)(self._get_results)
        app.get("/v1/lookups/<lookup_id>/results/<file>", **GET_RESULT_FILE)(self._get_file)

    def _get_results(  # noqa: PLR0917 - Powertools passes query parameters by name
        self,
        lookup_id: LookupId,
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
        written_as: FileFormat = None,
        only: Only = None,
        parts: Parts = False,  # noqa: FBT002 - a query parameter
    ) -> Response[str]:
        if parts:
            _refuse_beside_parts(written_as, only)
            return self._parts(lookup_id, after, limit)
        progress = self._lookups.readable(current_partner(self._app), lookup_id)
        if only and not self._keeps_profiles(progress.spec.workspace):
            raise Conflict("this workspace keeps no profiles, so nobody knows what changed")
        collection = self._published.of(progress)
        listed = [
            self._file_json(lookup_id, file)
            for file in self._published.files(lookup_id, collection)
            if file.only == only and file.format == (written_as or file.format)
        ]
        state = "running" if collection is None else _state_of(progress, collection, written_as)
        return json_response({"state": state, "files": listed, "next": None})

    def _parts(self, lookup_id: str, after: str, limit: int) -> Response[str]:
        records, mark = self._lookups.results(current_partner(self._app), lookup_id, after=after, limit=limit)
        files = [record_json(one, self._sign(one.key, None)) for one in records]
        headers = link_next(f"/v1/lookups/{lookup_id}/results", mark, limit, parts="true")
        return json_response({"state": "parts", "files": files, "next": mark}, headers=headers)

    def _get_file(self, lookup_id: LookupId, file: FileName) -> Response[str]:
        progress = self._lookups.readable(current_partner(self._app), lookup_id)
        collection = self._published.of(progress)
        if collection is not None and collection.state is not CollectionState.READY:
            raise Conflict(f"the files of this lookup are not ready: {collection.state.value}")
        found = {one.name: one for one in self._published.files(lookup_id, collection)}.get(file)
        if found is None:
            raise NotFound("the lookup has no such file")
        address = self._sign(found.key, found.name)
        return Response(HTTPStatus.SEE_OTHER.value, body="", headers={"Location": address})

    def _file_json(self, lookup_id: str, file: PublishedFile) -> dict[str, object]:
        path = f"/v1/lookups/{lookup_id}/results/{quote(file.name)}"
        return published_json(file, path, self._sign(file.key, file.name))


def _refuse_beside_parts(written_as: str | None, only: str | None) -> None:
    """Raise `InvalidInput` when files are chosen that parts are not."""
    for name, chosen in (("format", written_as), ("only", only)):
        if chosen is not None:
            raise InvalidInput(
                f"query.{name}", "must be left out beside parts=true: parts are gzip NDJSON of all records"
            )


def _state_of(progress: LookupRecord, collection: Collection, written_as: str | None) -> str:
    """Return where the files of a format stand: those of an export come later than the others. Raises `Conflict`."""
    if (
        collection.state is not CollectionState.READY
        or written_as is None
        or Format(written_as) in formats_of(progress.spec)
    ):
        return collection.state.value
    export = collection.exports.get(written_as)
    if export is None:
        raise Conflict(
            f"this lookup has no {written_as}: ask for it with POST /v1/lookups/{progress.spec.lookup_id}/exports"
        )
    return export.state.value
