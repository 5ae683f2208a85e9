"""`/v1/webhooks/…`: what was sent to a partner's webhook, and a test of it."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from lookup.api.callers.auth import current_partner
from lookup.api.conditional import IfNoneMatch, conditional_json
from lookup.api.openapi.route_docs import LIST_DELIVERIES, TEST_WEBHOOK
from lookup.api.responses import json_response, link_next
from lookup.api.routes.lookups import PAGE, After
from lookup.errors import Conflict, InvalidInput
from lookup.ledger.webhooks import DeliveryRecord, Receiver, WebhookLedger
from lookup.model import Clock, timestamp
from lookup.partners import Partner
from lookup.webhook_settings import EventType, Webhook, webhook_id_of

PATH = "/v1/webhooks/deliveries"
MARK = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]{8,15}Z#msg_[0-9a-f]{32}")
PublishTest = Callable[[str, str, float], None]


class WebhookRoutes:
    """A partner's own webhook. `publish_test` publishes a partner's test by its id and time."""

    def __init__(
        self, app: APIGatewayHttpResolver, *, ledger: WebhookLedger, publish_test: PublishTest, clock: Clock
    ) -> None:
        self._app = app
        self._ledger = ledger
        self._publish_test = publish_test
        self._clock = clock
        app.get(PATH, **LIST_DELIVERIES)(self._get_deliveries)
        app.post("/v1/webhooks/test", **TEST_WEBHOOK)(self._post_test)

    def _get_deliveries(
        self,
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
        if_none_match: IfNoneMatch = None,
    ) -> Response[str]:
        partner = current_partner(self._app)
        found, mark = self._ledger.page(partner.name, after=_mark_of(after), limit=limit)
        following = None if mark is None else urlsafe_b64encode(mark.encode()).decode().rstrip("=")
        body = {
            "webhook": self._webhook_json(partner),
            "deliveries": [delivery_json(one) for one in found],
            "next": following,
        }
        return conditional_json(body, if_none_match, headers=link_next(PATH, following, limit))

    def _post_test(self) -> Response[str]:
        partner = current_partner(self._app)
        if partner.webhook is None:
            raise Conflict("no webhook is set for this partner: ask the operator")
        self._ledger.admit_test(partner.name)
        test_id, now = uuid4().hex, self._clock()
        self._publish_test(partner.name, test_id, now)
        webhook_id = webhook_id_of(partner.name, EventType.TEST, test_id, timestamp(now))
        body = {"webhook_id": webhook_id, "event": EventType.TEST.value, "links": {"deliveries": PATH}}
        return json_response(body, HTTPStatus.ACCEPTED)

    def _webhook_json(self, partner: Partner) -> dict[str, object] | None:
        if partner.webhook is None:
            return None
        return webhook_json(partner.webhook, self._ledger.receiver(partner.name, partner.webhook.url), self._clock())


def webhook_json(webhook: Webhook, receiver: Receiver, now: float) -> dict[str, object]:
    """Write what a webhook is called for, and whether it is called now. Its address is the operator's setting."""
    is_paused = receiver.paused_until > now
    state = "disabled" if receiver.disabled_at is not None else "paused" if is_paused else "called"
    return {
        "events": [event.value for event in webhook.events],
        "state": state,
        "disabled_at": None if receiver.disabled_at is None else timestamp(receiver.disabled_at),
        "paused_until": timestamp(receiver.paused_until) if is_paused else None,
    }


def delivery_json(one: DeliveryRecord) -> dict[str, object]:
    """Write what was done about one webhook."""
    return {
        "webhook_id": one.webhook_id,
        "event": one.event,
        "occurred_at": one.occurred_at,
        "state": one.state.value,
        "attempts": one.attempts,
        "last_status": one.last_status,
        "last_error": one.last_error,
        "attempted_at": None if one.attempted_at is None else timestamp(one.attempted_at),
        "next_attempt_at": None if one.next_attempt_at is None else timestamp(one.next_attempt_at),
    }


def _mark_of(after: str) -> str:
    """Return the slot that a page's `next` stands for. Raise `InvalidInput`."""
    try:
        mark = urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode()
    except ValueError:
        mark = "-"
    if mark and MARK.fullmatch(mark) is None:
        raise InvalidInput("after", "is not the `next` of a page")
    return mark
