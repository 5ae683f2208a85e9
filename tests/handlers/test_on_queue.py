"""The queues' handler: real SQS events in, the stores filled, partial batch failures out."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

import on_queue
from infra.local.simulator.process import Fault, Simulator
from lookup.bulk import part_message
from lookup.model import Status
from tests.handlers.conftest import on_requests_to_aws
from tests.lambda_context import LambdaContext
from tests.lookup.collection.hour_world import HourWorld
from tests.lookup.collection.world import outcome
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record

Load = Callable[[str], dict[str, Any]]


def records(deployed: Stage) -> list[dict[str, Any]]:
    bucket = deployed.settings.bucket_name
    bodies = [deployed.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in deployed.keys("parts/")]
    return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]


def test_an_unreadable_message_is_dead_lettered_and_its_neighbours_are_served(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """Every form of intake message is served in one call; the unreadable one is dead-lettered with its reason."""
    assert on_queue.handler(event("on_queue/intake.json"), context) == {"batchItemFailures": []}
    outcomes = {(one["identifier"], one["outcome"], one["correlation_id"]) for one in records(deployed)}
    assert outcomes == {
        ("C-1001", "found", None),
        ("C-1002", "found", None),
        ("62e7a1b2c3d4e5f601234567", "found", None),
        ("C-1003", "found", "crm-7"),
        ("unknown", "invalid", "crm-7"),
    }
    assert simulator.counters().calls == 1
    letters = deployed.messages(deployed.settings.intake_dead_letter_queue_url)
    assert [message["Body"] for message in letters] == ["{not json"]
    assert letters[0]["MessageAttributes"]["reason"]["StringValue"] == (
        "body: starts like JSON but is not readable as JSON"
    )


def test_a_message_twice_in_a_batch_has_one_record(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """SQS may deliver a message twice in one batch: its identifiers are recorded once."""
    delivered = event("on_queue/parts.json")
    assert on_queue.handler({"Records": delivered["Records"] * 2}, context) == {"batchItemFailures": []}
    assert [one["identifier"] for one in records(deployed)] == ["C-2001", "C-2002", "unknown"]


def test_a_part_is_filed_under_the_hour_of_its_feeding(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A part's object has a key known before it is served, and holds its junk lines too."""
    assert on_queue.handler(event("on_queue/parts.json"), context) == {"batchItemFailures": []}
    assert deployed.keys("parts/") == [
        "parts/workspace=default/dt=2026-11-23/hour=19/refresh-20261123T190000Z-000001.ndjson.gz"
    ]
    assert [(one["identifier"], one["outcome"], one["line"]) for one in records(deployed)] == [
        ("C-2001", "found", None),
        ("C-2002", "found", None),
        ("unknown", "invalid", 3),
    ]


def test_a_part_during_vendor_errors_is_returned(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """When MoEngage keeps failing the message is named as failed, so that SQS delivers it again."""
    simulator.set_faults(Fault(status=503))
    received = event("on_queue/parts.json")
    url = deployed.settings.parts_queue_url
    deployed.sqs.send_message(QueueUrl=url, MessageBody=received["Records"][0]["body"])
    message = deployed.sqs.receive_message(QueueUrl=url)["Messages"][0]
    received["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    context.remaining_seconds = 10.3  # no time to wait out the errors
    failed = on_queue.handler(received, context)["batchItemFailures"]
    assert failed == [{"itemIdentifier": received["Records"][0]["messageId"]}]
    assert deployed.keys("parts/") == []


@pytest.mark.parametrize("reset", [25, 50])
def test_a_part_waits_invisible_until_the_gate_reopens(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, reset: int
) -> None:
    """A part that waits for quota is given back, invisible until the gate's `retry_at`, and no attempt counts."""
    waits: list[int] = []

    def see(params: Mapping[str, Any], **_: object) -> None:
        waits.append(params["VisibilityTimeout"])

    on_requests_to_aws("provide-client-params.sqs.ChangeMessageVisibility", see)
    simulator.set_faults(Fault(status=429, headers={"x-ratelimit-reset": str(reset)}))
    context.remaining_seconds = 20
    assert len(on_queue.handler(event("on_queue/parts.json"), context)["batchItemFailures"]) == 1
    assert [reset - 10 <= wait <= 1.1 * reset + 2 for wait in waits] == [True]
    ledger = deployed.dynamodb.scan(TableName=deployed.settings.ledger_table_name)["Items"]
    assert [item for item in ledger if item["sk"]["S"].startswith("attempts#")] == []


@pytest.mark.parametrize("kind", ["intake", "parts"])
def test_a_message_that_must_wait_is_dead_lettered_before_sqs_deletes_it(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, kind: str
) -> None:
    """In the last of its fourteen days a message that must wait becomes a dead letter with a reason."""
    received = event(f"on_queue/{kind}.json")
    record = received["Records"][0]
    record["attributes"]["SentTimestamp"] = str(int((time.time() - 13.5 * 24 * 3600) * 1000))
    simulator.set_faults(Fault(status=429, headers={"x-ratelimit-reset": "50"}, calls=1))
    context.remaining_seconds = 20
    assert on_queue.handler({"Records": [record]}, context) == {"batchItemFailures": []}
    urls = {
        "intake": deployed.settings.intake_dead_letter_queue_url,
        "parts": deployed.settings.parts_dead_letter_queue_url,
    }
    (message,) = deployed.messages(urls[kind])
    assert message["Body"] == record["body"]
    assert message["MessageAttributes"]["reason"]["StringValue"].startswith("expiring: ")


def test_an_old_message_that_can_be_served_is_served(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """Age alone makes no dead letter."""
    received = event("on_queue/parts.json")
    received["Records"][0]["attributes"]["SentTimestamp"] = str(int((time.time() - 13.9 * 24 * 3600) * 1000))
    assert on_queue.handler(received, context) == {"batchItemFailures": []}
    assert deployed.messages(deployed.settings.parts_dead_letter_queue_url) == []
    assert [one["identifier"] for one in records(deployed)] == ["C-2001", "C-2002", "unknown"]


def test_no_attribute_and_no_plain_identifier_is_logged(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext, capsys: pytest.CaptureFixture[str]
) -> None:
    """Logs and metrics hold neither the secret nor identifiers nor attributes."""
    simulator.set_user("C-1001", {"customer_id": "C-1001", "note": "canary-attribute"})
    on_queue.handler(event("on_queue/intake.json"), context)
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert '"MessagesLaidAside":[1.0]' in said.replace(" ", "")
    assert not [word for word in ("canary-attribute", "C-1001", "C-1002", "simulated-key", "{not json") if word in said]


def forty(event: Load) -> dict[str, Any]:
    """Return a delivery of one part of forty identifiers: two payloads."""
    received = event("on_queue/parts.json")
    part = part_message.parse_part(received["Records"][0]["body"])
    many = replace(part, identifiers=tuple(replace(part.identifiers[0], identifier=f"C-{n}") for n in range(40)))
    received["Records"][0]["body"] = part_message.serialize_part(many)
    return received


def test_sigterm_in_the_middle_gives_the_rest_back(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """After SIGTERM during a granted call, the function stores its response, calls no more and returns the part."""
    seen: list[int] = []

    def end_once_granted(model: Any, **_: object) -> None:
        if model.name == "UpdateItem" and not seen:
            os.kill(os.getpid(), signal.SIGTERM)

    on_requests_to_aws("after-call.dynamodb", end_once_granted)
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    failed = on_queue.handler(forty(event), context)["batchItemFailures"]
    signal.signal(signal.SIGTERM, before)
    assert (len(failed), seen, simulator.counters().calls) == (1, [signal.SIGTERM], 1)
    stored = deployed.dynamodb.scan(TableName=deployed.settings.profiles_table_name)["Items"]
    assert len(stored) == 20
    assert deployed.keys("parts/") == []


def test_out_of_time_the_rest_is_given_back(
    deployed: Stage, simulator: Simulator, event: Load, context: LambdaContext
) -> None:
    """With its time over after the first answer, the function stores it and returns the rest; later it continues."""
    on_queue.handler(event("on_queue/intake.json"), context)  # whatever is slow the first time
    simulator.reset(not_found_share=0.0)
    simulator.set_faults(Fault(delay=4.2, calls=1))  # and four seconds are time for a grant on a busy machine
    context.remaining_seconds = 14.0
    received = forty(event)
    assert len(on_queue.handler(received, context)["batchItemFailures"]) == 1
    assert simulator.counters().calls == 1
    context.remaining_seconds = 60
    received["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert on_queue.handler(received, context) == {"batchItemFailures": []}
    assert simulator.counters().users == 40
    assert sum(one["lookup_id"] == "refresh-20261123T190000Z" for one in records(deployed)) == 41


def test_answers_are_archived_together(deployed: Stage, simulator: Simulator, context: LambdaContext) -> None:
    """A batch of the answers queue is one object, and asks MoEngage nothing; what is no answer comes back alone."""
    url = deployed.settings.answers_queue_url or ""
    world = HourWorld(deployed)
    for number in range(2):
        outcomes = [outcome(f"C-{number}", Status.NOT_FOUND, at=world.clock())]
        deployed.sqs.send_message(QueueUrl=url, MessageBody=world.message(number, outcomes))
    deployed.sqs.send_message(QueueUrl=url, MessageBody="junk")
    received = deployed.messages(url)
    records = [sqs_record(message, url.rpartition("/")[2]) for message in received]
    (junk,) = [message["MessageId"] for message in received if message["Body"] == "junk"]
    assert on_queue.handler({"Records": records}, context) == {"batchItemFailures": [{"itemIdentifier": junk}]}
    (key,) = deployed.keys("parts/")
    assert len(gzip.decompress(world.body(key)).splitlines()) == 2
    assert simulator.counters().calls == 0
