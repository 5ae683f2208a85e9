"""The webhook queue's worker over one `Stage`: a test's clock, a test's receivers, partners with webhooks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from lookup.bulk.queues import Delivery
from lookup.ledger.webhooks import DeliveryRecord, Receiver, WebhookLedger
from lookup.model import timestamp
from lookup.partners import Partner
from lookup.webhook_settings import EventType, Webhook
from lookup.webhooks.sender import Sender
from lookup.wiring.webhooks import WebhookServices
from tests.lookup.services import FakeClock, FakePartners
from tests.lookup.stage import Stage
from tests.lookup.webhooks.receivers import HOST
from tests.sqs_records import sqs_record

KEY = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
EVERYTHING = tuple(one for one in EventType if one is not EventType.TEST)


class World(WebhookServices):
    """The services of `on_webhook`, whose queue a test serves itself."""

    clock: FakeClock

    def __init__(self, stage: Stage, sender: Sender, clock: FakeClock | None = None) -> None:
        self.stage = stage
        clock = clock or FakeClock()
        super().__init__(stage.settings, clock, clock.sleep)
        self.session = stage.session
        self.dynamodb, self.sqs, self.secretsmanager = stage.dynamodb, stage.sqs, stage.secretsmanager
        self.sender = sender
        self.began = clock()
        self.hidden: list[int] = []  # seconds for which messages were hidden
        self.sqs.meta.events.register("provide-client-params.sqs.ChangeMessageVisibility", self.keep_hidden)
        self.grants: dict[str, Partner] = {}
        self.partners = FakePartners(self.grants)

    @cached_property
    def webhooks(self) -> WebhookLedger:
        return WebhookLedger(self.table)

    def subscribe(
        self, partner: str = "acme", host: str = HOST, events: Iterable[EventType] = EVERYTHING, secret: object = None
    ) -> None:
        """Give a partner a webhook, and its secret."""
        webhook = Webhook(f"https://{host}/{partner}", tuple(events), f"webhook/{partner}")
        self.grants[partner] = Partner(partner, webhook=webhook)
        text = json.dumps(secret or {"current": KEY})
        try:
            self.secretsmanager.create_secret(Name=webhook.secret_id, SecretString=text)
        except self.secretsmanager.exceptions.ResourceExistsException:
            self.secretsmanager.put_secret_value(SecretId=webhook.secret_id, SecretString=text)

    def arrive(self, number: int = 1, partner: str = "acme") -> Delivery:
        """Put the end of a lookup on the queue, as EventBridge does, and receive it."""
        return self.arrive_as(completed(number, partner, at=self.began))

    def arrive_as(self, body: str) -> Delivery:
        """Put a message on the queue and receive it."""
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body)
        (message,) = self.stage.messages(self.queue_url)
        return Delivery.of(sqs_record(message, "webhooks"))

    @property
    def queue_url(self) -> str:
        assert self.settings.webhook_queue_url is not None
        return self.settings.webhook_queue_url

    def is_done(self, delivery: Delivery, *, after: float = 0.0) -> bool:
        """Serve a message so many seconds later; return whether the queue may delete it."""
        self.clock.now += after
        return not self.webhook_worker.serve([delivery])

    def again(self, delivery: Delivery, *, after: float | None = None) -> bool:
        """Serve it once more, after the seconds that it was hidden for or so many."""
        wait = self.hidden[-1] if after is None else after
        return self.is_done(replace(delivery, received=delivery.received + len(self.hidden)), after=wait)

    def receiver(self, partner: str = "acme") -> Receiver:
        """Read what the ledger has of a partner's receiver."""
        webhook = self.grants[partner].webhook
        assert webhook is not None
        return self.webhooks.receiver(partner, webhook.url)

    def keep_hidden(self, params: dict[str, Any], **_: object) -> None:
        self.hidden.append(params["VisibilityTimeout"])

    def deliveries(self, partner: str = "acme") -> list[DeliveryRecord]:
        """Return what the ledger has of a partner's webhooks, newest first."""
        return self.webhooks.page(partner, after="", limit=100)[0]

    def dead_letters(self) -> list[str]:
        """Take the reasons of the dead letters."""
        url = self.settings.webhook_dead_letter_queue_url
        assert url is not None
        return [one["MessageAttributes"]["reason"]["StringValue"] for one in self.stage.messages(url)]


def completed(number: int, partner: str = "acme", *, at: float) -> str:
    """Write the end of a lookup as EventBridge puts it on the queue."""
    counts = {"requested": 5, "found": 3, "not_found": 1, "invalid": 1, "failed": 0}
    detail: dict[str, Any] = {"lookup_id": f"l-{number}", "workspace": "default", "partner": partner}
    detail |= {"state": "completed", "counts": counts, "parts": 1, "finished_at": timestamp(at + number)}
    return json.dumps({"id": f"e-{number}", "detail-type": "Lookup Completed", "detail": detail})


def a_test(number: int, partner: str = "acme", *, at: float) -> str:
    """Write a test as EventBridge puts it on the queue."""
    detail = {"partner": partner, "test_id": f"t-{number}", "requested_at": timestamp(at + number)}
    return json.dumps({"id": f"t-{number}", "detail-type": "Webhook Test", "detail": detail})
