"""`/v1/lookups/…`: lookups that run after the response."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from lookup.api.callers.auth import current_caller, current_partner
from lookup.api.conditional import IfNoneMatch, conditional_json
from lookup.api.openapi.route_docs import GET_LOOKUP, LIST_LOOKUPS, PATCH_LOOKUP
from lookup.api.request_models import Change
from lookup.api.responses import intake_day_json, json_response, link_next, lookup_json, retry_after
from lookup.bulk.control import Action, LookupControl
from lookup.collection.published import PublishedResults
from lookup.errors import InvalidInput
from lookup.ledger.collecting.collected_hours import CollectedHour
from lookup.ledger.model import LookupState
from lookup.model import Clock

PAGE = 100
INTAKE_DAY = "intake-"  # prefix of the ids that are a day of the intake queue
LookupId = Annotated[str, Path(max_length=200)]
State = Annotated[
    str,
    Query(
        pattern="^(active|paused|completed|cancelled)?$",
        description="Only those of a state: `active`, `paused`, `completed` or `cancelled`. A page looks at 500: it "
        "may be short, or empty, and have a `next`.",
    ),
]
After = Annotated[str, Query(pattern=r"^[0-9A-Za-z_-]*$", max_length=400, description="`next` of the page before.")]


class LookupRoutes:
    """Lookups as their partner sees and steers them."""

    def __init__(
        self,
        app: APIGatewayHttpResolver,
        *,
        lookups: LookupControl,
        published: PublishedResults,
        hours_of: Callable[[str], Sequence[CollectedHour]],
        clock: Clock,
    ) -> None:
        """`hours_of` reads what is collected of the hours of a day."""
        self._app = app
        self._lookups = lookups
        self._published = published
        self._hours_of = hours_of
        self._clock = clock
        app.get("/v1/lookups", **LIST_LOOKUPS)(self._get_lookups)
        app.get("/v1/lookups/<lookup_id>", **GET_LOOKUP)(self._get_lookup)
        app.patch("/v1/lookups/<lookup_id>", **PATCH_LOOKUP)(self._patch_lookup)

    def _get_lookups(
        self,
        state: State = "",
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        partner, mark = current_partner(self._app), decode_cursor(after)
        found, end = self._lookups.page(partner, state=state_of(state), after=mark, limit=limit)
        following = encode_cursor(end) if end else None
        results, estimates = self._published.of_many(found), self._lookups.estimates_of(found)
        listed = [lookup_json(one, estimates.get(one.spec.lookup_id), results.get(one.spec.lookup_id)) for one in found]
        body = {"lookups": listed, "next": following}
        more = {"state": state} if state else {}
        return conditional_json(body, if_none_match, headers=link_next("/v1/lookups", following, limit, **more))

    def _get_lookup(self, lookup_id: LookupId, if_none_match: IfNoneMatch = None) -> Response[str]:
        if lookup_id.startswith(INTAKE_DAY) and current_caller(self._app).is_operator:
            tally = self._lookups.intake_day(lookup_id)
            hours = self._hours_of(lookup_id.removeprefix(INTAKE_DAY))
            return conditional_json(intake_day_json(lookup_id, tally, hours), if_none_match)
        progress, estimate = self._lookups.get(current_partner(self._app), lookup_id)
        body = lookup_json(progress, estimate, self._published.of(progress))
        return conditional_json(body, if_none_match, headers=retry_after(estimate, self._clock()))

    def _patch_lookup(self, lookup_id: LookupId, change: Change) -> Response[str]:
        progress = self._lookups.change(current_partner(self._app), lookup_id, Action(change.action))
        return json_response(lookup_json(progress, None, self._published.of(progress)))


def state_of(written: str) -> LookupState | None:
    """Return the state that a list is asked for; None for all."""
    return LookupState(written) if written else None


def encode_cursor(mark: str) -> str:
    """Return a cursor that fits in a URL as it is."""
    return urlsafe_b64encode(mark.encode()).decode().rstrip("=")


def decode_cursor(after: str) -> str:
    """Return the mark of a cursor. Raises `InvalidInput`."""
    try:
        return urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode()
    except ValueError:
        raise InvalidInput("after", "is not the `next` of a page") from None
