"""A worker that is killed between its call and the deletion of its message: the same webhook comes twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count

from standardwebhooks.webhooks import Webhook

from lookup.ledger.webhooks import DeliveryState
from tests.forking import forking
from tests.lookup.stage import Stage
from tests.lookup.webhooks.fleet import DEAD, Work, environment_of, host_of, services_of, webhook_of
from tests.lookup.webhooks.receivers import Authority, receiver, sender_to
from tests.lookup.webhooks.world import KEY, World, completed
from tests.waiting import GIVE_UP

WRITES = "before-send.dynamodb.UpdateItem"  # the first takes a slot for the call, the second frees it behind


def serve_and_die(work: Work) -> None:
    """Take one message, and be killed when the call is over and nothing of it is written."""
    services, writes = services_of(work), count(1)

    def before_send(**_: object) -> None:
        if next(writes) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    services.session.events.register(WRITES, before_send)
    (delivery,) = work.received(services)
    services.webhook_worker.serve([delivery])


def serve_one(work: Work) -> None:
    """Take one message, and serve it."""
    services = services_of(work)
    (delivery,) = work.received(services)
    assert services.webhook_worker.serve([delivery]) == []


def exit_code(target: Callable[[Work], None], work: Work) -> int | None:
    """Run a worker as a process of its own; return how it ended."""
    process = forking().Process(target=target, args=(work,))
    process.start()
    process.join(GIVE_UP)
    return process.exitcode


def test_a_killed_worker_means_a_duplicate(stage: Stage, authority: Authority) -> None:
    """The next worker sends the same id and the same bytes, signed anew, while the dead one still has its slot."""
    with receiver(authority, "127.0.0.2") as listening:
        world = World(stage, sender_to(listening.port, authority.client))
        world.subscribe(DEAD, host_of(DEAD))
        world.sqs.set_queue_attributes(QueueUrl=world.queue_url, Attributes={"VisibilityTimeout": "0"})
        world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=completed(1, DEAD, at=world.began))
        work = Work(environment_of(stage), world.settings, listening.port, authority.pem, GIVE_UP)
        assert exit_code(serve_and_die, work) == -signal.SIGKILL
        assert len(listening.received) == 1
        assert exit_code(serve_one, work) == 0
    first, second = listening.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    for one in (first, second):
        assert Webhook(KEY).verify(one.body, one.headers)["type"] == "lookup.completed"
    (record,) = world.deliveries(DEAD)
    assert (record.state, record.attempts) == (DeliveryState.DELIVERED, 1)
    assert world.webhooks.receiver(DEAD, webhook_of(DEAD).url).failures == 0
