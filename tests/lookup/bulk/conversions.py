"""Conversions of rosters as the deployed function makes them, for tests of bulk lookups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lookup.bulk.conversion.worker import ConversionWorker
from lookup.bulk.queues import Delivery
from tests.lookup.services import BulkServices, FakePartners


@dataclass
class ConversionServices:
    """What submits lookups over rosters that need converting, and what converts them; the grants may be changed."""

    services: BulkServices
    partners: FakePartners = field(default_factory=lambda: FakePartners({}))

    def __post_init__(self) -> None:
        self.services.partners = self.partners

    @property
    def work(self) -> ConversionWorker:
        return self.services.conversion_worker

    def deliveries(self) -> list[Delivery]:
        """Take what is on the queue."""
        return [delivery_of(message) for message in self.services.stage.messages(self._url)]

    def convert(self, seconds: float = 60.0) -> list[str]:
        """Process the queue as Lambda does; return the deliveries to be retried."""
        back: list[str] = []
        while deliveries := self.deliveries():
            back += self.work.serve(deliveries, until=self.services.clock() + seconds)
            for one in deliveries:
                if one.message_id not in back:
                    self.services.stage.sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one.receipt_handle)
        return back

    @property
    def _url(self) -> str:
        return self.services.stage.settings.conversion_queue_url


def delivery_of(message: Any) -> Delivery:
    attributes = message["Attributes"]
    return Delivery(
        message["MessageId"],
        message["Body"],
        message["ReceiptHandle"],
        int(attributes["ApproximateReceiveCount"]),
        int(attributes["SentTimestamp"]) / 1000,
        "conversions.fifo",
    )
