"""`POST /v1/lookups`: up to 100 identifiers at once; more of them, or a roster, after the response."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from lookup import validation
from lookup.api import problems
from lookup.api.callers.request_context import RequestContext, parse_preference
from lookup.api.idempotency import KEY, Idempotency, KeyedRequest, Reference
from lookup.api.openapi.problem_types import Problem
from lookup.api.openapi.route_docs import POST_LOOKUPS
from lookup.api.request_models import LookupOrder
from lookup.api.responses import estimate_json, json_response
from lookup.api.routes.outcome_responses import OutcomeResponses
from lookup.api.sync_or_async import SyncOrAsync
from lookup.bulk.submission import Submission
from lookup.errors import ServiceError
from lookup.ledger.usage.daily_usage import DailyUsageCounter
from lookup.model import PART_LIMIT, LookupRequest
from lookup.rosters.keys import key_of

ROUTE = "POST /v1/lookups"


class NotReplayable(ServiceError):
    """A response that the same request may improve on later: it is not kept for replay."""


class SubmitRoute:
    """The route that creates lookups."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        sync_or_async: SyncOrAsync,
        submissions: Submission,
        outcomes: OutcomeResponses,
        idempotency: Idempotency,
        daily: DailyUsageCounter,
    ) -> None:
        self._app = app
        self._sync_or_async = sync_or_async
        self._submissions = submissions
        self._outcomes = outcomes
        self._idempotency = idempotency
        self._daily = daily
        app.post("/v1/lookups", **POST_LOOKUPS)(self._post_lookups)

    def _post_lookups(
        self,
        order: LookupOrder,
        dry_run: Annotated[bool, Query(description="Give the estimate only.")] = False,  # noqa: FBT002 - a query field
        prefer: Annotated[str | None, Header(description="`respond-async`, `wait=<seconds>` (RFC 7240).")] = None,
        idempotency_key: Annotated[
            str | None, Header(description="1 to 255 visible ASCII characters: the same request is served once.")
        ] = None,
    ) -> Response[str]:
        refused = _refused(order, prefer, idempotency_key)
        if refused is not None:
            return refused
        context = RequestContext.of(self._app, prefer, self._daily)
        if dry_run:
            estimate = self._submissions.estimate(context.partner, _request(order, context))
            return json_response({"estimate": estimate_json(estimate)})
        if idempotency_key is None:
            return self._serve(order, context)[0]
        keyed = KeyedRequest(context.partner.name, ROUTE, idempotency_key, _keyed_body(order))
        return self._run_once(order, replace(context, lookup_id=f"lookup-{keyed.fingerprint}"), keyed)

    def _run_once(self, order: LookupOrder, context: RequestContext, keyed: KeyedRequest) -> Response[str]:
        first: list[Response[str]] = []

        def work() -> Reference:
            response, reference = self._serve(order, context)
            first.append(response)
            if reference is None:
                raise NotReplayable
            return reference

        try:
            reference = self._idempotency.run_once(keyed, work, self._app.lambda_context)
        except NotReplayable:
            return first[0]
        return first[0] if first else self._replayed(context, order.workspace, reference)

    def _serve(self, order: LookupOrder, context: RequestContext) -> tuple[Response[str], Reference | None]:
        """Return the response, and where it is to be found again; None when it is not final."""
        request = _request(order, context)
        if not request.entries or len(request.entries) > PART_LIMIT or context.preference.respond_async:
            return self._sync_or_async.accept(context, request), {"lookup_id": context.lookup_id}
        result = self._sync_or_async.serve(context, request)
        if isinstance(result, Response):
            return result, {"lookup_id": context.lookup_id}
        final = None if result.cause else {"lookup_id": result.lookup_id, "key": result.archive_key}
        return self._outcomes.respond(result, self._sync_or_async.headers(context)), final

    def _replayed(self, context: RequestContext, workspace: str, reference: Reference) -> Response[str]:
        key = reference.get("key")
        if key is None:
            response = self._sync_or_async.accepted_before(context, reference["lookup_id"])
        else:
            response = self._outcomes.replay(context.partner, workspace, reference["lookup_id"], key)
        response.headers["Idempotent-Replayed"] = "true"
        return response


def _refused(order: LookupOrder, prefer: str | None, key: str | None) -> Response[str] | None:
    preference = parse_preference(prefer)
    if preference.is_wait_given and not preference.respond_async and len(order.identifiers or ()) > PART_LIMIT:
        detail = f"{len(order.identifiers or ())} identifiers; at most {PART_LIMIT} are answered at once"
        return problems.problem(Problem.TOO_MANY_TO_WAIT, detail)
    if key is not None and not KEY.fullmatch(key):
        return problems.problem(Problem.KEY_MALFORMED, "Idempotency-Key must be 1 to 255 visible ASCII characters")
    return None


def _keyed_body(order: LookupOrder) -> dict[str, Any]:
    """Return what tells one request from another; without formats as it was before there were any."""
    return {name: value for name, value in order if name != "formats" or value}


def _request(order: LookupOrder, context: RequestContext) -> LookupRequest:
    return LookupRequest(
        order.workspace,
        None if order.roster_id is None else key_of(context.partner.name, order.roster_id),
        [validation.parse_identifier_strictly(raw) for raw in order.identifiers or ()],
        validation.parse_fields({"fields": order.fields}),
        float(order.max_age),
        float(order.stale_if_error),
        lookup_id=context.lookup_id,
        formats=tuple(order.formats),
    )
