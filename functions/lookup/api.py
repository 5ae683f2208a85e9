"""The HTTP surface: routes, what they read from a request, and the form of their answers."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from lookup import intake, problems, wire
from lookup.api_schemas import LookupOrder, WorkspaceName
from lookup.archive import outcome_json
from lookup.errors import InvalidInput, LookupFault
from lookup.model import Clock, Counts, Invalid, Outcome, Status
from lookup.on_demand import Answered, OnDemand, Order
from lookup.telemetry import logger

PATIENCE = 20.0  # seconds that a caller may be made to wait for quota
WRITING = 5.0  # seconds kept back of the function's time for writing and answering
GREEDY = "{identifier+}"
HttpResponse = Response[str]


class Api:
    """The routes over one `OnDemand`."""

    def __init__(self, on_demand: Callable[[], OnDemand], clock: Clock) -> None:
        self._on_demand = on_demand
        self._clock = clock
        self._app = APIGatewayHttpResolver(enable_validation=True)
        self._app.get("/v1/profiles/<identifier_type>/<identifier>")(self._get_profile)
        self._app.post("/v1/lookups")(self._post_lookups)
        self._app.exception_handler(LookupFault)(lambda fault: problems.of_fault(fault, now=clock()))
        self._app.exception_handler(RequestValidationError)(_unprocessable)
        self._app.exception_handler(RequestUnsupportedContentType)(_unsupported)
        self._app.exception_handler(Exception)(_crashed)
        self._app.not_found(_no_route)

    def handle(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own context
        """Answer one event of an API Gateway HTTP API (payload 2.0)."""
        return self._app.resolve(routable(event), context)

    def _get_profile(
        self,
        identifier_type: Annotated[str, Path()],
        identifier: Annotated[str, Path()],
        fields: Annotated[str | None, Query(description="Attribute names, separated by commas.")] = None,
        max_age: Annotated[int, Query(ge=0, le=intake.MAX_AGE_LIMIT)] = 0,
        workspace: Annotated[WorkspaceName, Query()] = "default",
    ) -> HttpResponse:
        one = intake.identify({"identifier_type": identifier_type, "identifier": unquote(identifier)})
        if isinstance(one, Invalid):
            raise InvalidInput("identifier", one.reason)
        names = intake.field_names({"fields": None if fields is None else fields.split(",")})
        answered = self._on_demand().serve(self._order([one], workspace, names, max_age))
        if answered.cause is not None:
            raise answered.cause
        return self._profile(answered.outcomes[0])

    def _post_lookups(self, order: LookupOrder) -> HttpResponse:
        entries = [intake.identify(raw) for raw in order.identifiers]
        names = None if order.fields is None else tuple(sorted(set(order.fields)))
        return self._lookup(self._on_demand().serve(self._order(entries, order.workspace, names, order.max_age)))

    def _order(
        self, entries: list[intake.Entry], workspace: str, fields: tuple[str, ...] | None, max_age: int
    ) -> Order:
        event = self._app.current_event
        chain = event.headers.get("x-forwarded-for") or event.request_context.http.source_ip
        remaining = self._app.lambda_context.get_remaining_time_in_millis() / 1000
        patience = min(PATIENCE, remaining - WRITING)
        return Order(entries, workspace, fields, float(max_age), patience, chain)

    def _profile(self, outcome: Outcome) -> HttpResponse:
        if outcome.profile is None or outcome.status is not Status.FOUND:
            return _unknown_user(outcome)
        body = wire.dumps(outcome_json(outcome))
        headers = {
            "Age": str(max(0, int(self._clock() - outcome.profile.fetched_at))),
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "Cache-Control": "private, no-cache",
        }
        return Response(HTTPStatus.OK.value, "application/json", body.decode(), headers)

    def _lookup(self, answered: Answered) -> HttpResponse:
        counts = Counts.of(answered.outcomes)
        body = {
            "lookup_id": answered.lookup_id,
            "counts": {name: getattr(counts, name) for name in ("requested", *(status.value for status in Status))},
            "outcomes": [outcome_json(outcome) for outcome in answered.outcomes],
        }
        return Response(HTTPStatus.OK.value, "application/json", wire.dumps(body).decode())


def routable(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event a path that routes, whatever the identifier holds.

    An HTTP API decodes the path before it hands it over, all escapes but `%25`. So the identifier is taken from the
    end of the path as it came, and escaped once, whole.
    """
    key = event.get("routeKey", "")
    path = event.get("rawPath", "")
    stage = event.get("requestContext", {}).get("stage", "$default")
    if stage != "$default":
        path = path.removeprefix(f"/{stage}")
    if GREEDY in key:
        depth = key.split(" ", 1)[1].split(GREEDY)[0].count("/")
        *start, identifier = path.split("/", depth)
        path = "/".join([*start, quote(identifier.replace("%25", "%"), safe="")])
    return {**event, "rawPath": path, "requestContext": {**event["requestContext"], "stage": "$default"}}


def _unknown_user(outcome: Outcome) -> HttpResponse:
    if outcome.status is Status.FAILED:
        return problems.unavailable("failed", f"MoEngage gave no answer: {outcome.reason}", problems.TROUBLE_WAIT)
    return problems.problem(HTTPStatus.NOT_FOUND, "no-such-user", "MoEngage knows no user of this identifier")


def _no_route(_: NotFoundError) -> HttpResponse:
    return problems.problem(HTTPStatus.NOT_FOUND, "no-such-route", "this API has no such route")


def _crashed(error: Exception) -> HttpResponse:
    """Say nothing of a defect to the caller, and to the log only where it is: its text may hold what it stumbled on."""
    logger.error("defect", error=type(error).__name__, where=traceback.format_tb(error.__traceback__)[-3:])
    return problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the request could not be served")


def _unsupported(_: RequestUnsupportedContentType) -> HttpResponse:
    return problems.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", "the body must be application/json")


def _unprocessable(error: RequestValidationError) -> HttpResponse:
    broken = [(".".join(str(step) for step in one["loc"]), str(one["msg"])) for one in error.errors()]
    if any(one["type"].startswith("json_") for one in error.errors()):
        return problems.problem(HTTPStatus.BAD_REQUEST, "malformed", "the body is not readable as JSON")
    return problems.invalid(*broken)
