"""What the webhook queue's handler adds: the only wiring that calls partners."""

from __future__ import annotations

from functools import cached_property

from lookup.ledger.webhooks import WebhookLedger
from lookup.partners import Partners
from lookup.webhooks.queue import WebhookQueue
from lookup.webhooks.sender import Sender
from lookup.webhooks.signing_keys import SigningKeys
from lookup.webhooks.worker import WebhookWorker
from lookup.wiring.services import Services


class WebhookServices(Services):
    """The services of `on_webhook`."""

    @cached_property
    def partners(self) -> Partners:
        return Partners(self.ssm, self.settings.partners_parameter_name, self.clock)

    @cached_property
    def sender(self) -> Sender:
        return Sender(self.settings.stage)

    @cached_property
    def webhook_worker(self) -> WebhookWorker:
        urls = self.settings.webhook_queue_url, self.settings.webhook_dead_letter_queue_url
        return WebhookWorker(
            partner_named=self.partners.by_name,
            ledger=WebhookLedger(self.table),
            keys=SigningKeys(self.secretsmanager, self.clock),
            sender=self.sender,
            queue=WebhookQueue(self.sqs, *urls, self.clock),
            clock=self.clock,
        )
