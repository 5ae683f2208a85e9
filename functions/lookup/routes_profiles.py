"""`GET /v1/profiles/…`: one profile, there and then."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from lookup import intake, problems, wire
from lookup.answers import is_too_large, without_attributes, written
from lookup.api_schemas import MAX_AGE, STALE_IF_ERROR, WorkspaceName
from lookup.archive import outcome_json
from lookup.errors import InvalidInput
from lookup.model import Clock, Invalid, Outcome, Status
from lookup.outcomes import Outcomes
from lookup.problem_types import Problem
from lookup.route_docs import GET_PROFILE
from lookup.spillover import Asked, Served, Spillover

TAG = re.compile(r'"[^"]*"')


class ProfileRoutes:
    """One profile; 202 with a lookup's URL when the quota leaves no room in the caller's time."""

    def __init__(self, app: APIGatewayHttpResolver, spillover: Spillover, outcomes: Outcomes, clock: Clock) -> None:
        self._app = app
        self._spillover = spillover
        self._outcomes = outcomes
        self._clock = clock
        app.get("/v1/profiles/<identifier_type>/<identifier>", **GET_PROFILE)(self._get_profile)

    def _get_profile(  # noqa: PLR0917 - Powertools calls it by name
        self,
        identifier_type: Annotated[str, Path(description="`customer_id`, `id` or `moengage_id`.")],
        identifier: Annotated[str, Path(description="One escaped segment.")],
        fields: Annotated[str | None, Query(description="Attribute names, separated by commas; absent: all.")] = None,
        max_age: Annotated[int, Query(ge=0, le=intake.MAX_AGE_LIMIT, description=MAX_AGE)] = 0,
        stale_if_error: Annotated[int, Query(ge=0, le=intake.MAX_AGE_LIMIT, description=STALE_IF_ERROR)] = 0,
        workspace: Annotated[WorkspaceName, Query()] = "default",
        prefer: Annotated[str | None, Header(description="`respond-async`, `wait=<seconds>` (RFC 7240).")] = None,
        if_none_match: Annotated[str | None, Header(description="ETags that you have.")] = None,
    ) -> Response[str]:
        one = intake.identify({"identifier_type": identifier_type, "identifier": unquote(identifier)})
        if isinstance(one, Invalid):
            raise InvalidInput("identifier", one.reason)
        names = intake.field_names({"fields": None if fields is None else [one.strip() for one in fields.split(",")]})
        asked = Asked([one], workspace, names, float(max_age), float(stale_if_error))
        served = self._spillover.serve(self._spillover.call(self._app, prefer), asked)
        if isinstance(served, Response):
            return served
        return self._answer(served, asked, if_none_match)

    def _answer(self, served: Served, asked: Asked, if_none_match: str | None) -> Response[str]:
        outcome = served.answered.outcomes[0]
        if outcome.status is Status.FAILED:
            return self._without_answer(served, outcome)
        headers = served.headers | {"Age": self._age(outcome), "Cache-Control": _cache_control(asked)}
        if outcome.status is Status.NOT_FOUND:
            return problems.problem(Problem.NO_SUCH_USER, "MoEngage knows no user of this identifier", headers=headers)
        headers["ETag"] = etag(outcome)
        if _has(if_none_match, headers["ETag"]):
            return Response(HTTPStatus.NOT_MODIFIED.value, headers=headers, body="")
        return self._profile(served, outcome, headers)

    def _profile(self, served: Served, outcome: Outcome, headers: dict[str, str]) -> Response[str]:
        whole = outcome_json(outcome)
        body = wire.readable(whole)
        if is_too_large(body):
            links = {"attributes_omitted": True, "links": {"results": self._outcomes.link(served)}}
            body = wire.readable(without_attributes([whole])[0] | links)
        return written(body, headers=headers)

    def _without_answer(self, served: Served, outcome: Outcome) -> Response[str]:
        if served.answered.cause is not None:
            raise served.answered.cause
        detail = f"MoEngage gave no answer: {outcome.reason}"
        return problems.later(Problem.FAILED, detail, problems.TROUBLE_WAIT, reason=outcome.reason)

    def _age(self, outcome: Outcome) -> str:
        fetched_at = outcome.profile.fetched_at if outcome.profile else self._clock()
        return str(max(0, int(self._clock() - fetched_at)))


def etag(outcome: Outcome) -> str:
    """Mark the content: the same however it is written, wherever it came from and whenever it was fetched."""
    attributes = outcome.profile.attributes if outcome.profile else None
    return f'W/"{wire.fingerprint(attributes)[:32]}"'


def _has(if_none_match: str | None, tag: str) -> bool:
    """Compare weakly, as RFC 9110 wants it of If-None-Match."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.removeprefix("W/") in TAG.findall(if_none_match)


def _cache_control(asked: Asked) -> str:
    """Let the caller's own cache keep the answer as long as the caller would take it from our store."""
    control = f"private, max-age={int(asked.max_age)}"
    return f"{control}, stale-if-error={int(asked.stale_if_error)}" if asked.stale_if_error else control
