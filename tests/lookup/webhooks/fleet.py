"""Ten receivers on ten loopback addresses, and processes that serve the webhook queue as Lambda's poller does."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Event as Ending
from typing import Any

from lookup.bulk.queues import Delivery
from lookup.partners import Partner
from lookup.settings import Settings
from lookup.telemetry import logger
from lookup.webhook_settings import EventType, Webhook
from lookup.wiring.webhooks import WebhookServices
from tests.forking import forking
from tests.lookup.services import FakePartners
from tests.lookup.stage import Stage
from tests.lookup.webhooks.receivers import Authority, Received, Receiver, receiver, sender_to
from tests.lookup.webhooks.world import World, completed
from tests.sqs_records import sqs_record
from tests.waiting import GIVE_UP, until

RECEIVERS = 10
DEAD = "r0"


def host_of(name: str) -> str:
    return f"{name}.example.com"


def address_of(name: str) -> str:
    return f"127.0.0.{int(name[1:]) + 2}"


def resolve(host: str, port: int, **_: object) -> list[Any]:
    """Resolve the receivers' names, each to its address."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address_of(host.partition(".")[0]), port))]


@dataclass
class Fleet:
    """The receivers by their partners' names, and when each request of them came."""

    port: int
    receivers: Mapping[str, Receiver]
    over: Ending = field(default_factory=Ending)
    came: dict[str, list[float]] = field(default_factory=dict)

    def dies(self, name: str) -> None:
        """Let a receiver take requests and answer none."""
        self.receivers[name].answer = lambda _: (self.over.wait(GIVE_UP), (204, {}))[1]

    def ids(self, name: str) -> set[str]:
        """Return the ids of what a receiver got."""
        return {one.headers["webhook-id"] for one in list(self.receivers[name].received)}


class _Timed(list[Received]):
    """Requests, each with the time when it came."""

    def __init__(self, times: list[float]) -> None:
        super().__init__()
        self._times = times

    def append(self, one: Received) -> None:
        self._times.append(time.monotonic())
        super().append(one)


@contextmanager
def fleet(authority: Authority) -> Iterator[Fleet]:
    """Serve ten receivers at one port, each at an address of its own."""
    with ExitStack() as running:
        first = running.enter_context(receiver(authority, address_of("r0")))
        found = {"r0": first}
        for number in range(1, RECEIVERS):
            name = f"r{number}"
            found[name] = running.enter_context(receiver(authority, address_of(name), first.port))
        made = Fleet(first.port, found)
        for name, one in found.items():
            made.came[name] = []
            one.received = _Timed(made.came[name])
        running.callback(made.over.set)
        yield made


def webhook_of(name: str) -> Webhook:
    return Webhook(f"https://{host_of(name)}/", (EventType.LOOKUP_COMPLETED,), f"webhook/{name}")


@dataclass(frozen=True)
class Work:
    """What a worker process needs: where AWS is, the stage, where the receivers listen, how long a call may take."""

    environment: Mapping[str, str]
    settings: Settings
    port: int
    pem: Path
    max_seconds: float

    @property
    def queue_url(self) -> str:
        """The webhook queue."""
        return self.settings.webhook_queue_url or ""

    def received(self, services: WebhookServices) -> list[Delivery]:
        """Take a message off the queue, if there is one within a second."""
        answer = services.sqs.receive_message(
            QueueUrl=self.queue_url, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
        )
        return [Delivery.of(sqs_record(message, "webhooks")) for message in answer.get("Messages", [])]


def services_of(work: Work) -> WebhookServices:
    """Return the services of a process: the deployed ones, but for where receivers are and whose they are."""
    os.environ.update(work.environment)
    logger.setLevel("ERROR")
    services = WebhookServices(work.settings, time.time, time.sleep)
    tls = Authority(work.pem).client
    services.sender = sender_to(work.port, tls, resolve=resolve, max_seconds=work.max_seconds)
    names = [f"r{number}" for number in range(RECEIVERS)]
    services.partners = FakePartners({name: Partner(name, webhook=webhook_of(name)) for name in names})
    return services


def serve(work: Work, over: Event) -> None:
    """Take messages one by one, serve them, delete what is done, until it is over."""
    services = services_of(work)
    while not over.is_set():
        for delivery in work.received(services):
            if not services.webhook_worker.serve([delivery]):
                services.sqs.delete_message(QueueUrl=work.queue_url, ReceiptHandle=delivery.receipt_handle)


def environment_of(stage: Stage) -> dict[str, str]:
    """Return the variables by which a process finds a stage's AWS, as whom this process is there."""
    credentials = stage.session.get_credentials()
    assert credentials is not None
    frozen = credentials.get_frozen_credentials()
    return {
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": str(frozen.access_key),
        "AWS_SECRET_ACCESS_KEY": str(frozen.secret_key),
        "AWS_DEFAULT_REGION": str(stage.session.region_name),
    }


@dataclass(frozen=True)
class Figures:
    """Seconds until the receivers that are well had all their events, and how often the dead one was called."""

    seconds: float
    dead_calls: int


def run(world: World, ten: Fleet, authority: Authority, *, events: int, workers: int, max_seconds: float) -> Figures:
    """Send events to ten receivers in turn; wait until all but the dead one have theirs."""
    for number in range(RECEIVERS):
        name = f"r{number}"
        world.subscribe(name, host_of(name))
    bodies = [completed(number, f"r{number % RECEIVERS}", at=world.began) for number in range(events)]
    for start in range(0, events, 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        world.sqs.send_message_batch(QueueUrl=world.queue_url, Entries=entries)  # type: ignore[arg-type]  # as it is
    context = forking()
    over, work = (
        context.Event(),
        Work(environment_of(world.stage), world.settings, ten.port, authority.pem, max_seconds),
    )
    processes = [context.Process(target=serve, args=(work, over)) for _ in range(workers)]
    begun = time.monotonic()
    for process in processes:
        process.start()
    try:
        well = [name for name in ten.receivers if name != DEAD]
        until(lambda: all(len(ten.ids(name)) >= events // RECEIVERS for name in well) or None)
        return Figures(max(ten.came[name][-1] for name in well) - begun, len(ten.came[DEAD]))
    finally:
        over.set()
        for process in processes:
            process.join(GIVE_UP)
