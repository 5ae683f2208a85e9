"""`POST /v1/lookups`: up to 100 identifiers at once; more of them, or a roster, behind the answer."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from lookup import validation
from lookup.api import problems
from lookup.api.idempotency import KEY, Idempotency, KeyedRequest, Reference
from lookup.api.openapi.problem_types import Problem
from lookup.api.openapi.route_docs import POST_LOOKUPS
from lookup.api.outcome_responses import OutcomeResponses
from lookup.api.preferences import read_preference
from lookup.api.request_models import LookupOrder
from lookup.api.responses import estimate_json, json_response
from lookup.api.sync_or_async import ProfileQuery, RequestContext, SyncOrAsync, SyncResult
from lookup.bulk.submission import LookupRequest, Submission
from lookup.errors import ServiceError
from lookup.model import PART_LIMIT
from lookup.rosters.keys import key_of

ROUTE = "POST /v1/lookups"


class NotReplayable(ServiceError):
    """An answer that the same request may get better later: it is not kept for replay."""


class SubmitRoute:
    """The one route that every lookup of a partner comes by."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        spillover: SyncOrAsync,
        submissions: Submission,
        outcomes: OutcomeResponses,
        idempotency: Idempotency,
    ) -> None:
        self._app = app
        self._spillover = spillover
        self._submissions = submissions
        self._outcomes = outcomes
        self._idempotency = idempotency
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
        call = self._spillover.call(self._app, prefer)
        if dry_run:
            return json_response(
                {"estimate": estimate_json(self._submissions.estimate(call.partner, _whole(order, call)))}
            )
        if idempotency_key is None:
            return self._answered(order, call)[0]
        keyed = KeyedRequest(call.partner.name, ROUTE, idempotency_key, dict(order))
        named = self._spillover.call(self._app, prefer, lookup_id=f"lookup-{keyed.fingerprint}")
        return self._once(order, named, keyed)

    def _once(self, order: LookupOrder, call: RequestContext, keyed: KeyedRequest) -> Response[str]:
        first: list[Response[str]] = []

        def work() -> Reference:
            response, reference = self._answered(order, call)
            first.append(response)
            if reference is None:
                raise NotReplayable
            return reference

        try:
            reference = self._idempotency.once(keyed, work, self._app.lambda_context)
        except NotReplayable:
            return first[0]
        return first[0] if first else self._replayed(call, order.workspace, reference)

    def _answered(self, order: LookupOrder, call: RequestContext) -> tuple[Response[str], Reference | None]:
        """Answer, and tell where the answer is to be found again; None when it is not final."""
        whole = _whole(order, call)
        if not whole.entries or len(whole.entries) > PART_LIMIT or call.preference.respond_async:
            return self._spillover.accept(call, whole), {"lookup_id": call.lookup_id}
        asked = ProfileQuery(whole.entries, whole.workspace, whole.fields, whole.max_age, float(order.stale_if_error))
        served = self._spillover.serve(call, asked)
        if not isinstance(served, SyncResult):
            return served, {"lookup_id": call.lookup_id}
        answered = served.answered
        final = None if answered.cause else {"lookup_id": answered.lookup_id, "key": answered.key}
        return self._outcomes.answer(served), final

    def _replayed(self, call: RequestContext, workspace: str, reference: Reference) -> Response[str]:
        key = reference.get("key")
        if key is None:
            response = self._spillover.seen(call, reference["lookup_id"])
        else:
            response = self._outcomes.replay(call.partner, workspace, reference["lookup_id"], key)
        response.headers["Idempotent-Replayed"] = "true"
        return response


def _refused(order: LookupOrder, prefer: str | None, key: str | None) -> Response[str] | None:
    preference = read_preference(prefer)
    if preference.says_wait and not preference.respond_async and len(order.identifiers or ()) > PART_LIMIT:
        detail = f"{len(order.identifiers or ())} identifiers; at most {PART_LIMIT} are answered at once"
        return problems.problem(Problem.TOO_MANY_TO_WAIT, detail)
    if key is not None and not KEY.fullmatch(key):
        return problems.problem(Problem.KEY_MALFORMED, "Idempotency-Key must be 1 to 255 visible ASCII characters")
    return None


def _whole(order: LookupOrder, call: RequestContext) -> LookupRequest:
    return LookupRequest(
        order.workspace,
        None if order.roster_id is None else key_of(call.partner.name, order.roster_id),
        [validation.parse_identifier_strictly(raw) for raw in order.identifiers or ()],
        validation.parse_fields({"fields": order.fields}),
        float(order.max_age),
        lookup_id=call.lookup_id,
    )
