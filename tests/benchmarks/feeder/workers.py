"""The processes that serve the parts queue, as the deployed functions do: through the gate, to the simulated vendor."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from multiprocessing.synchronize import Barrier, Event
from threading import Timer
from typing import TYPE_CHECKING

from infra.local.processes.lifeline import end_with_spawner
from lookup.bulk.feeder import QUEUE_SECONDS
from lookup.bulk.queues import Delivery, Queues, hidden_seconds
from lookup.settings import Settings
from lookup.wiring.conversions import ConversionServices
from lookup.wiring.queue import QueueServices
from lookup.wiring.schedules import ScheduleServices
from tests.waiting import GIVE_UP

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

BATCH = {
    "parts": 1,
    "intake": 10,
}  # messages that a worker gets at once, as deployed
MAX_WAIT = 50.0  # quota seconds that a worker waits for the gate, as deployed: what is returned is hidden for a while
READY_SECONDS = GIVE_UP
TICK = 60.0  # quota seconds between two sweeps


class ScaledQueues(Queues):
    """Hides what is given back for as many quota seconds as the functions' queues do real ones.

    SQS hides for whole seconds only. So a message stays hidden as it was delivered, and is shown when its time is over.
    """

    def __init__(self, client: SQSClient, settings: Settings, factor: float) -> None:
        super().__init__(client, settings, time.time)
        self._factor = factor

    def delay(self, delivery: Delivery, until: float) -> None:
        """See `Queues.delay`."""
        seconds = hidden_seconds(delivery.received, (until - time.time()) * self._factor)
        shown = Timer(seconds / self._factor, self.hide, (delivery, 0))
        shown.daemon = True
        shown.start()


class WorkerServices(QueueServices, ScheduleServices, ConversionServices):
    """The services of a worker, which serves more than one function does; `factor` as in `services`."""

    factor = 1.0

    @cached_property
    def queues(self) -> Queues:
        return ScaledQueues(self.sqs, self.settings, self.factor)


def services(factor: float) -> WorkerServices:
    """Make services whose queue is as deep in quota seconds as ever; `factor` is quota seconds in a real second."""
    made = WorkerServices.from_environment()
    made.depth_seconds, made.factor = QUEUE_SECONDS / factor, factor
    return made


def enter(environment: Mapping[str, str]) -> None:
    """Return the services of a function instance, its metrics kept from the terminal."""
    end_with_spawner()
    os.environ |= environment
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def work(environment: Mapping[str, str], factor: float, ready: Barrier, over: Event, queue: str = "parts") -> None:
    """Serve the parts queue, or the intake queue, until it is over."""
    enter(environment)
    instance = services(factor)
    served, sqs, settings = instance.worker, instance.sqs, instance.settings
    url = settings.parts_queue_url if queue == "parts" else settings.intake_queue_url
    ready.wait(READY_SECONDS)
    while not over.is_set():
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=BATCH[queue], WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
        )
        messages = {message["MessageId"]: message for message in answer.get("Messages", [])}
        if messages:
            failed = served.serve(
                [_delivery(one, queue) for one in messages.values()], until=time.time() + MAX_WAIT / factor
            )
            for name in set(messages) - set(failed):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[name]["ReceiptHandle"])


def work_intake(environment: Mapping[str, str], factor: float, ready: Barrier, over: Event) -> None:
    """Serve the intake queue until it is over."""
    work(environment, factor, ready, over, "intake")


def _delivery(message: MessageTypeDef, queue: str) -> Delivery:
    return Delivery(
        message_id=message["MessageId"],
        body=message["Body"],
        receipt_handle=message["ReceiptHandle"],
        received=int(message["Attributes"]["ApproximateReceiveCount"]),
        sent_at=time.time(),
        queue=queue,
    )


def tick(environment: Mapping[str, str], factor: float, ready: Barrier, over: Event) -> None:
    """Feed as the schedule does every minute."""
    enter(environment)
    instance = services(factor)
    ready.wait(READY_SECONDS)
    while not over.wait(TICK / factor):
        instance.sweep.run("default")
        instance.feeder.feed("default")
