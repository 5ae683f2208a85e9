"""Who calls and how: the partner, its `Prefer` header (RFC 7240), the time that is left, and the users charged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lookup.api.callers.auth import current_partner
from lookup.ledger.usage.daily_usage import DailyUsage, DailyUsageCounter
from lookup.partners import Partner

MAX_WAIT = 20.0  # seconds that a request may wait for quota
RESERVED_SECONDS = 5.0  # kept back of the function's time for writing results and the response
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait` in seconds, 20 at most; `is_wait_given` when the caller named it."""

    respond_async: bool
    wait: float
    is_wait_given: bool

    def applied(self, *, is_async: bool, may_wait: bool) -> dict[str, str]:
        """Return `Preference-Applied`: what a response at once, or the one of an asynchronous lookup, honoured.

        `may_wait` is whether the request was one that could wait for quota.
        """
        honoured = ["respond-async"] if self.respond_async and is_async else []
        if self.is_wait_given and may_wait:
            honoured.append(f"wait={int(self.wait)}")
        return {"Preference-Applied": ", ".join(honoured)} if honoured else {}


def parse_preference(header: str | None) -> Preference:
    """Parse a `Prefer` header; unknown preferences are ignored, as the RFC wants."""
    text = header or ""
    waiting = WAIT.search(text)
    wait = min(float(waiting.group(1)), MAX_WAIT) if waiting else MAX_WAIT
    return Preference(bool(ASYNC.search(text)), wait, waiting is not None)


class DailyCharges:
    """What one request is charged of its partner's users of the day."""

    def __init__(self, daily: DailyUsageCounter, partner: Partner) -> None:
        self._daily = daily
        self._partner = partner
        self.usage: DailyUsage | None = None

    def charge(self, users: int) -> DailyUsage | None:
        """Charge users that are about to be asked for, or refund them (negative). Raises `DailyLimitExceeded`."""
        if users > 0:
            self.usage = self._daily.charge(self._partner, users)
        elif users < 0 and self.usage is not None:
            self.usage = self._daily.refund(self._partner, self.usage, -users)
        return self.usage

    def read(self) -> None:
        """Read what is left, where something else has charged."""
        self.usage = self._daily.today(self._partner)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`lookup_id` is the id that a lookup gets; with one, the outcomes are archived for replay."""

    partner: Partner
    preference: Preference
    charges: DailyCharges
    remaining: float
    forwarded_for: str | None = None
    lookup_id: str = ""

    @classmethod
    def of(cls, app: APIGatewayHttpResolver, prefer: str | None, daily: DailyUsageCounter) -> RequestContext:
        """Read the context of the request that the app serves."""
        partner = current_partner(app)
        return cls(
            partner,
            parse_preference(prefer),
            DailyCharges(daily, partner),
            remaining=app.lambda_context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS,
            forwarded_for=app.current_event.request_context.http.source_ip,
        )
