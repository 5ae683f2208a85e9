"""Asked at once, answered at once; and when the quota leaves no room in the caller's time, a lookup instead.

The lookup is in the ledger and its first part on the queue before that answer leaves: a valid request is never refused
because the quota is busy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from lookup.api.auth import ClientAuth
from lookup.api.preferences import Preference, read_preference
from lookup.api.responses import json_response, lookup_json, retry_after
from lookup.bulk.control import LookupControl
from lookup.bulk.estimates import Estimate
from lookup.bulk.submission import LookupRequest, Submission
from lookup.errors import GateClosed, RetryLater
from lookup.fetch.authorization import Authorization
from lookup.fetch.on_demand import OnDemand, OnDemandRequest, OnDemandResult
from lookup.fetch.waiting_room import Waiter
from lookup.ledger.daily_usage import DailyUsage, DailyUsageCounter, limit_headers
from lookup.ledger.model import LookupRecord
from lookup.model import Clock, Counts, Lane
from lookup.partners import Partner
from lookup.telemetry import count_outcomes
from lookup.validation import ParsedIdentifier

WRITING = 5.0  # seconds kept back of the function's time for writing and answering


@dataclass(frozen=True, slots=True)
class ProfileQuery:
    """What a request asks for."""

    entries: Sequence[ParsedIdentifier]
    workspace: str
    fields: tuple[str, ...] | None
    max_age: float
    stale_if_error: float = 0.0


class DailyCharges:
    """What one request is charged of its partner's users of the day."""

    def __init__(self, daily: DailyUsageCounter, partner: Partner) -> None:
        self._daily = daily
        self._partner = partner
        self.use: DailyUsage | None = None

    def charge(self, users: int) -> DailyUsage | None:
        """Count users that are about to be asked for, or give back (negative). Raises `DailyLimitExceeded`."""
        if users > 0:
            self.use = self._daily.charge(self._partner, users)
        elif users < 0 and self.use is not None:
            self.use = self._daily.refund(self._partner, self.use, -users)
        return self.use

    def look(self) -> None:
        """Read what is left, where something else has charged."""
        self.use = self._daily.today(self._partner)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and how. `lookup_id` is what a lookup shall be called; with one, the answer is archived for replay."""

    partner: Partner
    preference: Preference
    tab: DailyCharges
    remaining: float
    forwarded_for: str | None = None
    lookup_id: str | None = None


@dataclass(frozen=True, slots=True)
class SyncResult:
    """An answer at once: the outcomes, the order they belong to, and the headers that every answer of it has."""

    answered: OnDemandResult
    order: OnDemandRequest
    headers: dict[str, str]


def _asks_nobody(_: int) -> None:
    """Charge nothing: a request that may not wait is answered from the store, and becomes a lookup otherwise."""


class SyncOrAsync:
    """Serves what somebody waits for."""

    def __init__(
        self,
        *,
        callers: ClientAuth,
        on_demand: OnDemand,
        submissions: Submission,
        lookups: LookupControl,
        daily: DailyUsageCounter,
        authorization: Authorization,
        clock: Clock,
        waiter: Callable[[Partner, str], Waiter],
    ) -> None:
        """`waiter` makes a place among those who wait for a workspace's quota."""
        self._callers = callers
        self._on_demand = on_demand
        self._submissions = submissions
        self._lookups = lookups
        self._daily = daily
        self._authorization = authorization
        self._clock = clock
        self._waiter = waiter

    def call(self, app: APIGatewayHttpResolver, prefer: str | None, *, lookup_id: str | None = None) -> RequestContext:
        """Read who asks and how."""
        event = app.current_event
        partner = self._callers.of(event.raw_event)
        return RequestContext(
            partner,
            read_preference(prefer),
            DailyCharges(self._daily, partner),
            remaining=app.lambda_context.get_remaining_time_in_millis() / 1000 - WRITING,
            forwarded_for=event.request_context.http.source_ip,
            lookup_id=lookup_id,
        )

    def serve(self, call: RequestContext, asked: ProfileQuery) -> SyncResult | Response[str]:
        """Give the outcomes, or the answer 202 that names the lookup. Raises `GateClosed` while MoEngage is not asked.

        Who wants work behind the answer needs the lane `bulk`: who prefers `respond-async`, and who does not wait at
        all. Whom the busy quota makes wait does not.
        """
        submitted_at = self._clock()
        order = self._order(call, asked)
        try:
            answered = self._on_demand.serve(order)
        except GateClosed:
            raise
        except RetryLater:
            later = LookupRequest(
                asked.workspace,
                entries=asked.entries,
                fields=order.fields,
                max_age=asked.max_age,
                submitted_at=submitted_at,
                lookup_id=call.lookup_id,
                charged_on=call.tab.use.day if call.tab.use else None,
                waited_for=bool(order.patience),
            )
            return self.accept(call, later, has_waited=order.patience is not None)
        count_outcomes(Counts.of(answered.outcomes))
        headers = call.preference.applied(later=False, may_wait=order.patience is not None) | limit_headers(
            call.tab.use, self._clock()
        )
        return SyncResult(answered, order, headers)

    def _order(self, call: RequestContext, asked: ProfileQuery) -> OnDemandRequest:
        at_once = Lane.ON_DEMAND in call.partner.lanes and not call.preference.respond_async
        lane = Lane.ON_DEMAND if at_once else Lane.BULK
        return OnDemandRequest(
            asked.entries,
            asked.workspace,
            self._authorization.fields(call.partner, asked.workspace, asked.fields, lane),
            asked.max_age,
            patience=min(call.preference.wait, call.remaining) if at_once else None,
            charge=call.tab.charge if call.preference.wait else _asks_nobody,
            stale_if_error=asked.stale_if_error,
            forwarded_for=call.forwarded_for,
            keep=call.lookup_id is not None,
            waiter=self._waiter(call.partner, asked.workspace),
        )

    def archived(self, served: SyncResult) -> str:
        """Give the key of the archived answer."""
        return self._on_demand.archived(served.order, served.answered)

    def accept(self, call: RequestContext, order: LookupRequest, *, has_waited: bool = False) -> Response[str]:
        """Submit a lookup and answer 202 with where to look and when it will be done."""
        lookup_id = self._submissions.submit(call.partner, order)
        if order.charged_on is None:
            call.tab.look()
        return self._accepted(call, *self._lookups.one(call.partner, lookup_id), has_waited=has_waited)

    def seen(self, call: RequestContext, lookup_id: str) -> Response[str]:
        """Answer 202 for a lookup that was accepted before, as it stands now."""
        return self._accepted(call, *self._lookups.one(call.partner, lookup_id))

    def _accepted(
        self, call: RequestContext, progress: LookupRecord, estimate: Estimate | None, *, has_waited: bool = False
    ) -> Response[str]:
        headers = {
            "Location": f"/v1/lookups/{progress.spec.lookup_id}",
            **retry_after(estimate, self._clock()),
            **call.preference.applied(later=True, may_wait=has_waited),
            **limit_headers(call.tab.use, self._clock()),
        }
        return json_response(lookup_json(progress, estimate), HTTPStatus.ACCEPTED, headers)
