"""Lookups that are answered at once: what is read from the request, and the form of the answer."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from lookup import intake, problems, wire
from lookup.api_schemas import LookupOrder, WorkspaceName
from lookup.archive import outcome_json
from lookup.errors import InvalidInput
from lookup.model import Clock, Counts, Invalid, Outcome, Status
from lookup.on_demand import Answered, OnDemand, Order

PATIENCE = 20.0  # seconds that a caller may be made to wait for quota
WRITING = 5.0  # seconds kept back of the function's time for writing and answering
HttpResponse = Response[str]


class OnDemandRoutes:
    """`GET /v1/profiles/…` and `POST /v1/lookups`, answered at once."""

    def __init__(self, app: APIGatewayHttpResolver, on_demand: OnDemand, clock: Clock) -> None:
        self._app = app
        self._on_demand = on_demand
        self._clock = clock
        app.get("/v1/profiles/<identifier_type>/<identifier>")(self._get_profile)
        app.post("/v1/lookups")(self._post_lookups)

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
        answered = self._on_demand.serve(self._order([one], workspace, names, max_age))
        if answered.cause is not None:
            raise answered.cause
        return self._profile(answered.outcomes[0])

    def _post_lookups(self, order: LookupOrder) -> HttpResponse:
        entries = [intake.identify(raw) for raw in order.identifiers]
        names = None if order.fields is None else tuple(sorted(set(order.fields)))
        return self._lookup(self._on_demand.serve(self._order(entries, order.workspace, names, order.max_age)))

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


def _unknown_user(outcome: Outcome) -> HttpResponse:
    if outcome.status is Status.FAILED:
        return problems.unavailable("failed", f"MoEngage gave no answer: {outcome.reason}", problems.TROUBLE_WAIT)
    return problems.problem(HTTPStatus.NOT_FOUND, "no-such-user", "MoEngage knows no user of this identifier")
