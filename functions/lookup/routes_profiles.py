"""`GET /v1/profiles/…`: one profile, there and then."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from lookup import intake, problems, wire
from lookup.api_schemas import WorkspaceName
from lookup.archive import outcome_json
from lookup.errors import InvalidInput
from lookup.model import Clock, Invalid, Outcome, Status
from lookup.spillover import Asked, Spillover


class ProfileRoutes:
    """One profile; 202 with a lookup's URL when the quota leaves no room in the caller's time."""

    def __init__(self, app: APIGatewayHttpResolver, spillover: Spillover, clock: Clock) -> None:
        self._app = app
        self._spillover = spillover
        self._clock = clock
        app.get("/v1/profiles/<identifier_type>/<identifier>")(self._get_profile)

    def _get_profile(
        self,
        identifier_type: Annotated[str, Path()],
        identifier: Annotated[str, Path()],
        fields: Annotated[str | None, Query(description="Attribute names, separated by commas.")] = None,
        max_age: Annotated[int, Query(ge=0, le=intake.MAX_AGE_LIMIT)] = 0,
        workspace: Annotated[WorkspaceName, Query()] = "default",
    ) -> Response[str]:
        one = intake.identify({"identifier_type": identifier_type, "identifier": unquote(identifier)})
        if isinstance(one, Invalid):
            raise InvalidInput("identifier", one.reason)
        names = intake.field_names({"fields": None if fields is None else fields.split(",")})
        answered = self._spillover.serve(self._app, Asked([one], workspace, names, float(max_age)))
        if isinstance(answered, Response):
            return answered
        if answered.cause is not None:
            raise answered.cause
        return self._profile(answered.outcomes[0])

    def _profile(self, outcome: Outcome) -> Response[str]:
        if outcome.profile is None or outcome.status is not Status.FOUND:
            return _unknown_user(outcome)
        body = wire.dumps(outcome_json(outcome))
        headers = {
            "Age": str(max(0, int(self._clock() - outcome.profile.fetched_at))),
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "Cache-Control": "private, no-cache",
        }
        return Response(HTTPStatus.OK.value, "application/json", body.decode(), headers)


def _unknown_user(outcome: Outcome) -> Response[str]:
    if outcome.status is Status.FAILED:
        return problems.unavailable("failed", f"MoEngage gave no answer: {outcome.reason}", problems.TROUBLE_WAIT)
    return problems.problem(HTTPStatus.NOT_FOUND, "no-such-user", "MoEngage knows no user of this identifier")
