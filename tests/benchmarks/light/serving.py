"""One part of a roster, taken off the queue and served by the real handler in this process."""

from __future__ import annotations

import time

import on_queue
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record


def serve(stage: Stage) -> float:
    """Serve the next part; return the CPU seconds of that, without Lambda's work of receiving and deleting it."""
    url = stage.settings.parts_queue_url
    (message,) = stage.sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    event = {"Records": [sqs_record(message, url.rpartition("/")[2])]}
    started = time.process_time()
    failed = on_queue.handler(event, LambdaContext())
    took = time.process_time() - started
    if failed["batchItemFailures"]:
        raise RuntimeError("a part was not served")
    stage.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return took
