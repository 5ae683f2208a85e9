"""The queues against a real SQS protocol: parts sent in full batches, messages delayed and dead-lettered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lookup.bulk import part_message
from lookup.bulk.queues import Delivery, Queues
from lookup.errors import AwsUnavailable
from lookup.model import Identifier, IdentifierType, Part
from tests.lookup.stage import Stage
from tests.sqs_records import sqs_record

NOW = 1_800_000_000.0


@pytest.fixture
def queues(stage: Stage) -> Queues:
    return Queues(stage.sqs, stage.settings, lambda: NOW)


@pytest.fixture
def calls(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """Note every call to SQS with its parameters."""
    seen: list[tuple[str, dict[str, Any]]] = []
    stage.sqs.meta.events.register(
        "provide-client-params.sqs", lambda params, model, **_: seen.append((model.name, params))
    )
    return seen


def part(number: int, *, size: int = 1, length: int = 8) -> Part:
    identifiers = tuple(Identifier(IdentifierType.CUSTOMER_ID, f"{n:03}".ljust(length, "é")) for n in range(size))
    return Part("lookup-1", f"{number:06}", "default", identifiers, submitted_at=NOW, fed_at=NOW)


def delivery(queue: str, body: str = "C-1") -> Delivery:
    return Delivery("m-1", body, "handle", 1, NOW, queue)


def received(stage: Stage, queue_url: str) -> Delivery:
    """Receive one message as Lambda would deliver it."""
    message = stage.sqs.receive_message(QueueUrl=queue_url, MessageSystemAttributeNames=["All"])["Messages"][0]
    return Delivery.of(sqs_record(message, queue_url.rpartition("/")[2]))


def test_a_delivery(stage: Stage) -> None:
    """A record holds its message, its receive count, when it was sent, and its queue."""
    url = stage.settings.intake_queue_url
    message_id = stage.sqs.send_message(QueueUrl=url, MessageBody="C-1")["MessageId"]
    seen = received(stage, url)
    assert (seen.message_id, seen.body, seen.received, seen.queue) == (message_id, "C-1", 1, "intake")
    assert 1.7e9 < seen.sent_at < 4e9


@pytest.mark.parametrize(
    ("queue", "is_intake"), [("intake", True), ("parts", False), ("take", False), ("intake-dead-letter", False)]
)
def test_whose_message(queues: Queues, queue: str, *, is_intake: bool) -> None:
    """The intake queue is recognised by its full name."""
    assert queues.is_intake(delivery(queue)) is is_intake


@pytest.mark.parametrize(("number", "batches"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (37, [10, 10, 10, 7])])
def test_full_batches(
    stage: Stage, queues: Queues, calls: list[tuple[str, dict[str, Any]]], number: int, batches: list[int]
) -> None:
    """Parts are sent ten at a time, and each arrives as it was."""
    parts = [part(n, size=3) for n in range(number)]
    assert queues.send(iter(parts)) == number
    assert [len(params["Entries"]) for name, params in calls if name == "SendMessageBatch"] == batches
    arrived = [part_message.parse_part(message["Body"]) for message in stage.messages(stage.settings.parts_queue_url)]
    assert sorted(arrived, key=lambda one: one.number) == parts


def test_batches_under_the_limit(stage: Stage, queues: Queues, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Big parts are sent in smaller batches, each under SQS's 1 MiB."""
    assert queues.send(part(n, size=100, length=2000) for n in range(10)) == 10
    sent = [params["Entries"] for name, params in calls if name == "SendMessageBatch"]
    assert [len(entries) for entries in sent] == [2, 1, 2, 2, 1, 2]
    assert all(sum(len(entry["MessageBody"].encode()) for entry in entries) < 1024 * 1024 for entries in sent)
    assert len(stage.messages(stage.settings.parts_queue_url)) == 10


@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_a_batch_taken_in_part(stage: Stage, queues: Queues, refusals: int) -> None:
    """What SQS refuses of a batch is sent again, alone; what it refuses three times is an error, never silence."""
    entries: list[list[str]] = []
    client = stage.session.client("sqs", region_name="eu-central-1")

    def refuse_one(params: dict[str, Any], **_: object) -> None:
        entries.append([entry["MessageBody"] for entry in params["Entries"]])

    def say_so(parsed: dict[str, Any], **_: object) -> None:
        if len(entries) <= refusals:
            taken = parsed["Successful"].pop()
            parsed["Failed"] = [{"Id": taken["Id"], "Code": "InternalError", "SenderFault": False}]

    client.meta.events.register("provide-client-params.sqs.SendMessageBatch", refuse_one)
    client.meta.events.register("after-call.sqs.SendMessageBatch", say_so)
    sending = Queues(client, stage.settings, lambda: NOW)
    if refusals == 3:
        with pytest.raises(AwsUnavailable, match="SQS did not take 1 of 3 parts"):
            sending.send(part(n) for n in range(3))
    else:
        assert sending.send(part(n) for n in range(3)) == 3
    assert [len(one) for one in entries] == [3, 1, 1][: refusals + 1]
    client.close()


@pytest.mark.parametrize(
    ("wait", "least", "most"),
    [
        (-100, 1, 2), (0, 1, 2), (10, 10, 13), (600, 600, 662), (3000, 3000, 3302), (4000, 3270, 3600),
        (1e9, 3270, 3600),
    ],
)  # fmt: skip
def test_how_long_a_message_is_held_back(
    stage: Stage, calls: list[tuple[str, dict[str, Any]]], wait: float, least: int, most: int
) -> None:
    """A message that came often comes back not before the time given, jittered, and after an hour at most."""
    queues = Queues(stage.sqs, stage.settings, lambda: NOW)
    stage.sqs.send_message(QueueUrl=stage.settings.parts_queue_url, MessageBody="x")
    message = replace(received(stage, stage.settings.parts_queue_url), received=8)
    for _ in range(15):
        queues.delay(message, NOW + wait)
    waits = [params["VisibilityTimeout"] for name, params in calls if name == "ChangeMessageVisibility"]
    assert least <= min(waits)
    assert max(waits) <= most
    assert len(set(waits)) > 1 or wait < 600


def test_looks_grow_apart(stage: Stage, queues: Queues, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """A long wait begins with a look after a minute, and each time it doubles: a gate may be opened early."""
    stage.sqs.send_message(QueueUrl=stage.settings.parts_queue_url, MessageBody="x")
    message = received(stage, stage.settings.parts_queue_url)
    for times in (1, 2, 3, 4, 5, 100):
        queues.delay(replace(message, received=times), NOW + 900)
    waits = [params["VisibilityTimeout"] for name, params in calls if name == "ChangeMessageVisibility"]
    for wait, least in zip(waits, (60, 120, 240, 480, 900, 900), strict=True):
        assert least <= wait <= least * 1.1 + 2


def test_a_thousand_deliveries_last_for_fourteen_days(
    stage: Stage, queues: Queues, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    """Whatever keeps a message waiting, SQS does not make a dead letter of it before its time is over."""
    stage.sqs.send_message(QueueUrl=stage.settings.parts_queue_url, MessageBody="x")
    message = received(stage, stage.settings.parts_queue_url)
    for times in (200, 201, 999):
        queues.delay(replace(message, received=times), NOW)
    waits = [params["VisibilityTimeout"] for name, params in calls if name == "ChangeMessageVisibility"]
    assert waits[0] < 5
    assert (1000 - 200) * min(waits[1:]) >= 14 * 24 * 3600


@pytest.mark.parametrize(
    ("days", "is_expiring"), [(0, False), (12.99, False), (13.0, True), (14.0, True), (20.0, True)]
)
def test_when_a_message_expires(queues: Queues, days: float, *, is_expiring: bool) -> None:
    """The last of the fourteen days since a message was first sent is its last chance."""
    assert queues.is_expiring(replace(delivery("intake"), sent_at=NOW - days * 24 * 3600)) is is_expiring


def test_a_message_held_back_is_invisible(stage: Stage, queues: Queues) -> None:
    """A message of either queue stays away until then."""
    for url in (stage.settings.intake_queue_url, stage.settings.parts_queue_url):
        stage.sqs.send_message(QueueUrl=url, MessageBody="x")
        queues.delay(received(stage, url), NOW + 60)
        assert stage.messages(url) == []


@pytest.mark.parametrize(("queue", "aside"), [("intake", "intake-dead-letter"), ("parts", "parts-dead-letter")])
def test_dead_letter(stage: Stage, queues: Queues, queue: str, aside: str) -> None:
    """A message is dead-lettered on the dead-letter queue of its own queue, with the reason and its id."""
    queues.dead_letter(delivery(queue, "{broken"), "body: starts like JSON")
    dead_letters = {
        name: stage.messages(url)
        for name, url in {
            "intake-dead-letter": stage.settings.intake_dead_letter_queue_url,
            "parts-dead-letter": stage.settings.parts_dead_letter_queue_url,
        }.items()
    }
    (message,) = dead_letters.pop(aside)
    assert dead_letters.popitem()[1] == []
    assert message["Body"] == "{broken"
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"reason": "body: starts like JSON", "message_id": "m-1"}


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("a\0b\x1fc\uffff\ud800d\te", "a?b?c??d\te"), ("", "unknown"), ("é" * 5000, "é" * 1000)],
    ids=["unsendable", "empty", "long"],
)
def test_reasons_that_sqs_takes(stage: Stage, queues: Queues, reason: str, shown: str) -> None:
    """Whatever characters a reason holds, the message is dead-lettered."""
    queues.dead_letter(delivery("intake"), reason)
    (message,) = stage.messages(stage.settings.intake_dead_letter_queue_url)
    assert message["MessageAttributes"]["reason"]["StringValue"] == shown


def test_the_largest_message_can_be_dead_lettered(stage: Stage, queues: Queues) -> None:
    """A message that fills SQS's 1 MiB by itself is cut to leave room for the reason."""
    body = "é" * (512 * 1024)
    queues.dead_letter(replace(delivery("intake"), body=body), "too long " * 1000)
    (message,) = stage.messages(stage.settings.intake_dead_letter_queue_url)
    assert body.startswith(message["Body"])
    attributes = message["MessageAttributes"].items()
    beside = sum(len(f"{name}String{value['StringValue']}".encode()) for name, value in attributes)
    assert 1_040_000 < len(message["Body"].encode()) + beside <= 1024 * 1024
