"""Conversions of rosters as the deployed function makes them, for a desk's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookup.bulk.conversion.conversions import Conversions
from lookup.bulk.conversion.worker import ConversionWorker
from lookup.bulk.queues import Delivery
from lookup.errors import UnknownClient
from lookup.partners import Partner
from lookup.rosters.copies import RosterCopies
from lookup.rosters.unpacking import Bounds
from tests.lookup.services import BulkServices


@dataclass
class ConversionDesk:
    """What submits lookups over rosters that need converting, and what converts them; `partners` may be changed."""

    desk: BulkServices
    bounds: Bounds = field(default_factory=Bounds)
    partners: Mapping[str, Partner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stage = self.desk.stage
        self.conversions = Conversions(
            ledger=self.desk.lookups,
            pending=self.desk.pending,
            copies=RosterCopies(stage.s3, stage.settings.bucket_name, self.bounds),
            ending=self.desk.ending,
            daily=self.desk.daily,
            partner_named=self._named,
            clock=self.desk.clock,
        )
        self.work = ConversionWorker(self.conversions, self.desk.conversion_queue)

    def _named(self, name: str) -> Partner:
        if name not in self.partners:
            raise UnknownClient("this partner has no grants")
        return self.partners[name]

    def deliveries(self) -> list[Delivery]:
        """Take what is on the queue."""
        return [delivery_of(message) for message in self.desk.stage.messages(self._url)]

    def convert(self, seconds: float = 60.0) -> list[str]:
        """Serve what is on the queue, as Lambda does; give what was given back."""
        back: list[str] = []
        while deliveries := self.deliveries():
            back += self.work.serve(deliveries, until=self.desk.clock() + seconds)
            for one in deliveries:
                if one.message_id not in back:
                    self.desk.stage.sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one.receipt_handle)
        return back

    @property
    def _url(self) -> str:
        return self.desk.stage.settings.conversion_queue_url


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
