"""`GET /v1/profiles/…`: one profile, at once."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from lookup import exact_json, validation
from lookup.api import problems
from lookup.api.callers.request_context import RequestContext
from lookup.api.conditional import IfNoneMatch, matches
from lookup.api.openapi.problem_types import Problem
from lookup.api.openapi.route_docs import GET_PROFILE, READ_PROFILE
from lookup.api.query_string import MAX_AGE, STALE_IF_ERROR, WorkspaceName
from lookup.api.responses import is_too_large, raw_json_response, results_link, without_attributes
from lookup.api.routes.outcome_responses import OutcomeResponses
from lookup.api.sync_or_async import SyncOrAsync
from lookup.errors import InvalidInput
from lookup.fetch.isolation import REFUSED_BY_VENDOR, UNANSWERABLE, UNREADABLE
from lookup.fetch.on_demand import OnDemandResult
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.model import ERASED, Clock, InvalidIdentifier, LookupRequest, Outcome, Status
from lookup.results.files import outcome_json

# What every hop leaves as it is: unreserved characters (RFC 3986, 2.3), and of a segment's others `@` and `:`.
IN_A_PATH = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~@:-]+")
PATH_RULE = (
    "must hold only letters of A to Z, digits and _ . ~ @ : - in a path, and not be . or ..; "
    "any other goes into the query: GET /v1/profiles?identifier_type=…&identifier=…"
)
FIELDS = "Attribute names, separated by commas; absent: all. Request line and headers have 10,240 bytes in all."
IDENTIFIER = "Percent-encoded: a plus sign is `%2B`, a space `%20`."
IDENTIFIER_TYPE = "`customer_id`, or MoEngage's own: `id`, also written `moengage_id`."
Fields = Annotated[str | None, Query(description=FIELDS)]
Fresh = Annotated[int, Query(ge=0, le=validation.MAX_AGE_LIMIT, description=MAX_AGE)]
Stale = Annotated[int, Query(ge=0, le=validation.MAX_AGE_LIMIT, description=STALE_IF_ERROR)]
InWorkspace = Annotated[WorkspaceName, Query()]
Prefer = Annotated[str | None, Header(description="`respond-async`, `wait=<seconds>` (RFC 7240).")]
# A cache of one caller may serve several tokens, as a browser's does, and what each sees depends on its grants.
OF_THE_TOKEN = {"Vary": "Authorization"}
# Reasons of failed outcomes that the same request meets again; `unaccounted` may be an accident.
LASTING = frozenset({"rejected", "too_large", UNREADABLE, REFUSED_BY_VENDOR, UNANSWERABLE})


class ProfileRoutes:
    """One profile; 202 with a lookup's URL when the quota leaves no room in the caller's time."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        sync_or_async: SyncOrAsync,
        outcomes: OutcomeResponses,
        daily: DailyUsageCounter,
        clock: Clock,
    ) -> None:
        self._app = app
        self._daily = daily
        self._sync_or_async = sync_or_async
        self._outcomes = outcomes
        self._clock = clock
        app.get("/v1/profiles", **READ_PROFILE)(self._read_profile)
        app.get("/v1/profiles/<identifier_type>/<identifier>", **GET_PROFILE)(self._get_profile)

    def _read_profile(  # noqa: PLR0917 - Powertools calls it by name
        self,
        identifier_type: Annotated[str, Query(description=IDENTIFIER_TYPE, examples=["customer_id"])],
        identifier: Annotated[str, Query(description=IDENTIFIER, examples=["C-1001"])],
        fields: Fields = None,
        max_age: Fresh = 0,
        stale_if_error: Stale = 0,
        workspace: InWorkspace = "default",
        prefer: Prefer = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        request = _request(identifier_type, identifier, fields, max_age, stale_if_error, workspace)
        return self._serve(request, prefer, if_none_match)

    def _get_profile(  # noqa: PLR0917 - as above
        self,
        identifier_type: Annotated[str, Path(description=IDENTIFIER_TYPE)],
        identifier: Annotated[str, Path(description="Letters of A to Z, digits and `_ . ~ @ : -`.")],
        fields: Fields = None,
        max_age: Fresh = 0,
        stale_if_error: Stale = 0,
        workspace: InWorkspace = "default",
        prefer: Prefer = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        identifier = unquote(identifier)
        if not IN_A_PATH.fullmatch(identifier):
            raise InvalidInput("identifier", PATH_RULE)
        request = _request(identifier_type, identifier, fields, max_age, stale_if_error, workspace)
        return self._serve(request, prefer, if_none_match)

    def _serve(self, request: LookupRequest, prefer: str | None, if_none_match: str | None) -> Response[str]:
        context = RequestContext.of(self._app, prefer, self._daily)
        result = self._sync_or_async.serve(context, request)
        if isinstance(result, Response):
            return result
        outcome = result.outcomes[0]
        if outcome.status is Status.FAILED:
            return self._failed(result, outcome)
        if outcome.reason == ERASED:
            return problems.problem(Problem.ERASED, "the person of this identifier was erased")
        headers = self._sync_or_async.headers(context)
        headers |= {"Age": self._age(outcome), "Cache-Control": _cache_control(request), **OF_THE_TOKEN}
        if outcome.status is Status.NOT_FOUND:
            return problems.problem(Problem.NO_SUCH_USER, "MoEngage knows no user of this identifier", headers=headers)
        headers["ETag"] = etag(outcome)
        if matches(if_none_match, headers["ETag"]):
            return Response(HTTPStatus.NOT_MODIFIED.value, headers=headers, body="")
        return self._profile(result, outcome, headers)

    def _profile(self, result: OnDemandResult, outcome: Outcome, headers: dict[str, str]) -> Response[str]:
        whole = outcome_json(outcome)
        body = exact_json.dumps_well_formed(whole)
        if is_too_large(body):
            links = {"attributes_omitted": True, "links": results_link(self._outcomes.link(result))}
            body = exact_json.dumps_well_formed(without_attributes([whole])[0] | links)
        return raw_json_response(body, headers=headers)

    def _failed(self, result: OnDemandResult, outcome: Outcome) -> Response[str]:
        if result.cause is not None:
            raise result.cause
        detail = f"MoEngage gave no answer: {outcome.reason}"
        if outcome.reason in LASTING:
            return problems.problem(Problem.NOT_ANSWERABLE, detail, reason=outcome.reason)
        return problems.retry_later(Problem.FAILED, detail, problems.TROUBLE_WAIT, reason=outcome.reason)

    def _age(self, outcome: Outcome) -> str:
        fetched_at = outcome.profile.fetched_at if outcome.profile else self._clock()
        return str(max(0, int(self._clock() - fetched_at)))


def _request(  # noqa: PLR0917 - what both forms of the request hold
    identifier_type: str, identifier: str, fields: str | None, max_age: int, stale_if_error: int, workspace: str
) -> LookupRequest:
    one = validation.parse_identifier({"identifier_type": identifier_type, "identifier": identifier})
    if isinstance(one, InvalidIdentifier):
        raise InvalidInput("identifier", one.reason)
    names = validation.parse_fields(
        {"fields": None if fields is None else [name.strip() for name in fields.split(",")]}
    )
    return LookupRequest(
        workspace, entries=[one], fields=names, max_age=float(max_age), stale_if_error=float(stale_if_error)
    )


def etag(outcome: Outcome) -> str:
    """Mark the content: the same however it is written, wherever it came from and whenever it was fetched."""
    attributes = outcome.profile.attributes if outcome.profile else None
    return f'W/"{exact_json.fingerprint(attributes)[:32]}"'


def _cache_control(request: LookupRequest) -> str:
    """Return how long the caller's own cache may keep the response: as long as our store would answer it."""
    control = f"private, max-age={int(request.max_age)}"
    return f"{control}, stale-if-error={int(request.stale_if_error)}" if request.stale_if_error else control
