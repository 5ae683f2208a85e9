"""Asked at once, answered at once; and when the quota leaves no room in the caller's time, a lookup instead.

The lookup is in the ledger and its first part on the queue before that answer leaves: a valid request is never refused
because the quota is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup.answers import answer
from lookup.callers import Callers
from lookup.errors import Closed, NotNow
from lookup.intake import Entry
from lookup.lookup_json import progress_json
from lookup.lookups import Lookups, RosterOrder
from lookup.model import Clock, Counts
from lookup.on_demand import Answered, OnDemand, Order
from lookup.partners import Partner
from lookup.preferences import Preference, read_preference
from lookup.telemetry import count_outcomes

WRITING = 5.0  # seconds kept back of the function's time for writing and answering


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    entries: Sequence[Entry]
    workspace: str
    fields: tuple[str, ...] | None
    max_age: float


class Spillover:
    """Serves what somebody waits for."""

    def __init__(self, *, callers: Callers, on_demand: OnDemand, lookups: Lookups, clock: Clock) -> None:
        self._callers = callers
        self._on_demand = on_demand
        self._lookups = lookups
        self._clock = clock

    def serve(self, app: APIGatewayHttpResolver, asked: Asked) -> Answered | Response[str]:
        """Give the outcomes, or the answer 202 that names the lookup. Raises `Closed` while MoEngage is not asked."""
        event = app.current_event
        partner = self._callers.of(event.raw_event)
        fields = partner.granted(asked.workspace, asked.fields)
        preference = read_preference(event.headers.get("prefer"))
        submitted_at = self._clock()
        remaining = app.lambda_context.get_remaining_time_in_millis() / 1000
        order = Order(
            asked.entries,
            asked.workspace,
            fields,
            asked.max_age,
            patience=min(preference.wait, remaining - WRITING),
            forwarded_for=event.headers.get("x-forwarded-for") or event.request_context.http.source_ip,
        )
        try:
            answered = self._on_demand.serve(order)
        except Closed:
            raise
        except NotNow:
            later = RosterOrder(
                asked.workspace,
                entries=asked.entries,
                fields=fields,
                max_age=asked.max_age,
                submitted_at=submitted_at,
            )
            return self.accept(partner, later, preference)
        count_outcomes(Counts.of(answered.outcomes))
        return answered

    def accept(self, partner: Partner, order: RosterOrder, preference: Preference) -> Response[str]:
        """Submit a lookup and answer 202 with where to look and when it will be done."""
        progress, estimate = self._lookups.submit(partner, order)
        headers = {"Location": f"/v1/lookups/{progress.spec.lookup_id}"}
        if preference.applied:
            headers["Preference-Applied"] = preference.applied
        return answer(progress_json(progress, estimate), HTTPStatus.ACCEPTED, headers)
