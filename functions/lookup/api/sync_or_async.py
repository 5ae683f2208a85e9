"""Requests served at once; when the quota leaves no room in the caller's time, a lookup is created instead.

The lookup is in the ledger and its first part on the queue before the response leaves: a valid request is never refused
because the quota is busy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from aws_lambda_powertools.event_handler import Response

from lookup.api.callers.request_context import RequestContext
from lookup.api.responses import json_response, lookup_json, retry_after
from lookup.errors import GateClosed, RetryLater
from lookup.fetch.on_demand import OnDemand, OnDemandResult
from lookup.fetch.waiting_room import Waiter
from lookup.ledger.model import LookupRecord
from lookup.ledger.usage.daily_usage import limit_headers
from lookup.model import Clock, Counts, Lane, LookupRequest
from lookup.partners import Partner
from lookup.telemetry import count_outcomes

if TYPE_CHECKING:  # loaded when a request becomes a lookup
    from lookup.bulk.control import LookupControl
    from lookup.bulk.estimates import Estimate
    from lookup.bulk.submission import Submission
    from lookup.fetch.authorization import Authorization


def _no_charge(_: int) -> None:
    """Charge nothing: a request that may not wait is answered from the store, and becomes a lookup otherwise."""


class SyncOrAsync:
    """Serves requests whose callers wait."""

    def __init__(
        self,
        *,
        on_demand: OnDemand,
        submissions: Submission,
        lookups: LookupControl,
        authorization: Authorization,
        clock: Clock,
        waiter: Callable[[Partner, str], Waiter],
    ) -> None:
        """`waiter` makes a place among those who wait for a workspace's quota."""
        self._on_demand = on_demand
        self._submissions = submissions
        self._lookups = lookups
        self._authorization = authorization
        self._clock = clock
        self._waiter = waiter

    def serve(self, context: RequestContext, request: LookupRequest) -> OnDemandResult | Response[str]:
        """Return the outcomes, or the 202 response that names the lookup. Raises `GateClosed`.

        A request that prefers `respond-async`, or waits for nothing, needs the lane `bulk`. One that the busy quota
        makes wait does not.
        """
        submitted_at, is_sync = self._clock(), _is_sync(context)
        lane = Lane.ON_DEMAND if is_sync else Lane.BULK
        fields = self._authorization.fields(context.partner, request.workspace, request.fields, lane)
        request = replace(request, fields=fields, forwarded_for=context.forwarded_for)
        max_wait = min(context.preference.wait, context.remaining) if is_sync else None
        try:
            result = self._on_demand.serve(
                request,
                max_wait=max_wait,
                on_charge=context.charges.charge if context.preference.wait else _no_charge,
                waiter=self._waiter(context.partner, request.workspace),
            )
        except GateClosed:
            raise
        except RetryLater:
            usage = context.charges.usage
            charged_on, waited_for = usage.day if usage else None, bool(max_wait)
            later = replace(request, submitted_at=submitted_at, charged_on=charged_on, waited_for=waited_for)
            return self.accept(context, later, has_waited=is_sync)
        count_outcomes(Counts.of(result.outcomes))
        return result

    def headers(self, context: RequestContext) -> dict[str, str]:
        """Return the headers of every response at once."""
        applied = context.preference.applied(is_async=False, may_wait=_is_sync(context))
        return applied | limit_headers(context.charges.usage, self._clock())

    def accept(self, context: RequestContext, request: LookupRequest, *, has_waited: bool = False) -> Response[str]:
        """Submit a lookup; return the 202 response with its URL and when it will be done."""
        lookup_id = self._submissions.submit(context.partner, request)
        if request.charged_on is None:
            context.charges.read()
        return self._accepted(context, *self._lookups.get(context.partner, lookup_id), has_waited=has_waited)

    def accepted_before(self, context: RequestContext, lookup_id: str) -> Response[str]:
        """Return the 202 response for a lookup that was accepted before, as it is now."""
        return self._accepted(context, *self._lookups.get(context.partner, lookup_id))

    def _accepted(
        self, context: RequestContext, record: LookupRecord, estimate: Estimate | None, *, has_waited: bool = False
    ) -> Response[str]:
        headers = {
            "Location": f"/v1/lookups/{record.spec.lookup_id}",
            **retry_after(estimate, self._clock()),
            **context.preference.applied(is_async=True, may_wait=has_waited),
            **limit_headers(context.charges.usage, self._clock()),
        }
        return json_response(lookup_json(record, estimate), HTTPStatus.ACCEPTED, headers)


def _is_sync(context: RequestContext) -> bool:
    return Lane.ON_DEMAND in context.partner.lanes and not context.preference.respond_async
