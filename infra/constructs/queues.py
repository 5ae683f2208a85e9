"""What every queue of the stack has in common."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from lookup.bulk.queues import RETENTION_SECONDS

RETENTION = Duration.seconds(
    RETENTION_SECONDS
)  # the most that SQS offers: work is not lost over a long closing of the gate


def dead_letter_queue(scope: Construct, construct_id: str) -> sqs.Queue:
    """Make an encrypted queue, TLS only, that keeps what failed for 14 days."""
    return sqs.Queue(
        scope, construct_id, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, retention_period=RETENTION
    )


def work_queue(scope: Construct, construct_id: str, *, visibility: Duration, deliveries: int) -> sqs.Queue:
    """Make an encrypted queue, TLS only; after `deliveries` a message goes to a dead-letter queue of its own."""
    dead_letters = dead_letter_queue(scope, f"{construct_id}DeadLetters")
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=RETENTION,
        visibility_timeout=visibility,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=deliveries),
    )


def fifo_work_queue(scope: Construct, construct_id: str, *, visibility: Duration, deliveries: int) -> sqs.Queue:
    """Make a FIFO queue as `work_queue` does; its dead-letter queue is one too, as SQS wants it."""
    dead_letters = sqs.Queue(
        scope,
        f"{construct_id}DeadLetters",
        fifo=True,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=RETENTION,
    )
    return sqs.Queue(
        scope,
        construct_id,
        fifo=True,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=RETENTION,
        visibility_timeout=visibility,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=deliveries),
    )


def dead_letters_of(queue: sqs.Queue) -> sqs.IQueue:
    """Return a work queue's dead-letter queue. Raises `TypeError` of one without."""
    if queue.dead_letter_queue is None:
        raise TypeError("a work queue has a dead-letter queue")
    return queue.dead_letter_queue.queue
