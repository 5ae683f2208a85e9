"""Dead letters of the webhook queue: what its receiver did not take is sent again, unless that is of no use."""

from __future__ import annotations

from collections.abc import Mapping

from infra.stage_settings.partners import Partner
from lookup.errors import InvalidInput
from lookup.ledger.webhooks import DeliveryRecord, DeliveryState, WebhookLedger
from lookup.redrive.cases import Action, Case
from lookup.redrive.letters import Letter
from lookup.webhooks.message import parse_message


class WebhookCases:
    """Decides on webhooks: each is sent again once, while its partner has a receiver that is called."""

    def __init__(self, ledger: WebhookLedger, partners: Mapping[str, Partner]) -> None:
        self._ledger = ledger
        self._partners = partners
        self._sent: set[str] = set()

    def case(self, letter: Letter) -> Case:
        """Return the case of one message."""
        try:
            message = parse_message(letter.body)
        except InvalidInput as error:
            return Case(letter, Action.LEAVE, reason=str(error))
        webhook = self._partners[message.partner].webhook if message.partner in self._partners else None
        if webhook is None or message.event.value not in webhook.events or message.webhook_id in self._sent:
            return Case(letter, Action.DROP)
        fresh = DeliveryRecord(message.occurred_at, message.webhook_id, message.event.value)
        receiver, record = self._ledger.read(message.partner, webhook.url, fresh)
        if record.state is DeliveryState.DELIVERED:
            return Case(letter, Action.DROP)
        if receiver.disabled_at is not None:
            reason = f"the receiver of {message.partner} is disabled: make webhook ACTION=enable calls it again"
            return Case(letter, Action.LEAVE, reason=reason)
        self._sent.add(message.webhook_id)
        return Case(letter, Action.SEND, str(message.data.get("workspace", "")))
