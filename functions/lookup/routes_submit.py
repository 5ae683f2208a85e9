"""`POST /v1/lookups`: up to 100 identifiers at once; more of them, or a roster, behind the answer."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup import intake
from lookup.answers import answer
from lookup.api_schemas import LookupOrder
from lookup.archive import outcome_json
from lookup.callers import Callers
from lookup.lookup_json import counts_json, estimate_json
from lookup.lookups import Lookups, RosterOrder
from lookup.model import PART_LIMIT, Counts
from lookup.on_demand import Answered
from lookup.preferences import read_preference
from lookup.spillover import Asked, Spillover


class SubmitRoute:
    """The one route that every lookup of a partner comes by."""

    def __init__(
        self, app: APIGatewayHttpResolver, *, callers: Callers, spillover: Spillover, lookups: Lookups
    ) -> None:
        self._app = app
        self._callers = callers
        self._spillover = spillover
        self._lookups = lookups
        app.post("/v1/lookups")(self._post_lookups)

    def _post_lookups(
        self,
        order: LookupOrder,
        dry_run: Annotated[bool, Query(description="Give the estimate only.")] = False,  # noqa: FBT002 - a query field
    ) -> Response[str]:
        fields = None if order.fields is None else tuple(sorted(set(order.fields)))
        entries = [intake.identify(raw) for raw in order.identifiers or ()]
        whole = RosterOrder(order.workspace, order.roster_id, entries, fields, float(order.max_age))
        event = self._app.current_event
        preference = read_preference(event.headers.get("prefer"))
        if dry_run:
            return answer(
                {"estimate": estimate_json(self._lookups.would_take(self._callers.of(event.raw_event), whole))}
            )
        if not entries or len(entries) > PART_LIMIT or preference.respond_async:
            return self._spillover.accept(self._callers.of(event.raw_event), whole, preference)
        asked = Asked(entries, order.workspace, fields, float(order.max_age))
        answered = self._spillover.serve(self._app, asked)
        return answered if isinstance(answered, Response) else _at_once(answered)


def _at_once(answered: Answered) -> Response[str]:
    return answer(
        {
            "lookup_id": answered.lookup_id,
            "counts": counts_json(Counts.of(answered.outcomes)),
            "outcomes": [outcome_json(outcome) for outcome in answered.outcomes],
        }
    )
