"""The results queue's function: a lookup that has ended is a few files afterwards, and its end is said."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

import on_results
from lookup.ledger.collecting.collections import CollectionLedger, CollectionState
from lookup.model import Status
from tests.handlers.conftest import LambdaContext
from tests.lookup.collection.hour_world import HourWorld
from tests.lookup.collection.world import World, outcome
from tests.lookup.stage import Stage

Load = Callable[[str], dict[str, Any]]
LOOKUP = "refresh-20261124T093000Z"


def test_the_end_of_a_lookup_makes_files(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """The message that EventBridge makes of a lookup's end makes its NDJSON and Parquet files."""
    world = World(deployed)
    spec = world.begin(LOOKUP)
    world.arrive(spec, 1, [outcome("C-1", Status.FOUND, at=world.clock())])
    world.end(spec)
    assert on_results.handler(event("on_results/ended.json"), context) == {"batchItemFailures": []}
    assert world.collected(LOOKUP).state is CollectionState.READY
    assert [file["format"] for file in world.manifest(LOOKUP)["files"]] == ["ndjson", "parquet"]
    (line,) = gzip.decompress(world.body(world.manifest(LOOKUP)["files"][0]["key"])).splitlines()
    assert json.loads(line)["identifier"] == "C-1"


def test_what_is_no_message_is_laid_aside(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """A message that names no lookup goes to the dead-letter queue with a reason, and is done."""
    delivered = event("on_results/ended.json")
    delivered["Records"][0]["body"] = "[]"
    assert on_results.handler(delivered, context) == {"batchItemFailures": []}
    url = deployed.settings.results_dead_letter_queue_url
    assert url is not None
    (laid,) = deployed.messages(url)
    assert laid["MessageAttributes"]["reason"]["StringValue"] == "body: must be an object with lookup_id"


def test_a_lookup_in_other_hands_comes_again(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """While another function collects the lookup its message is given back."""
    world = World(deployed)
    spec = world.begin(LOOKUP)
    world.arrive(spec, 1, [outcome("C-1", Status.FOUND, at=world.clock())])
    progress = world.end(spec)
    world.collector._claimed(progress, world.clock() + 600)  # noqa: SLF001 - a function that is at it
    message_id = event("on_results/ended.json")["Records"][0]["messageId"]
    deployed.sqs.send_message(QueueUrl=deployed.settings.results_queue_url or "", MessageBody="{}")
    (received,) = deployed.sqs.receive_message(QueueUrl=deployed.settings.results_queue_url or "")["Messages"]
    delivered = event("on_results/ended.json")
    delivered["Records"][0]["receiptHandle"] = received["ReceiptHandle"]
    assert on_results.handler(delivered, context) == {"batchItemFailures": [{"itemIdentifier": message_id}]}
    one = CollectionLedger(world.table).read(LOOKUP)
    assert one is not None
    assert one.state is CollectionState.COLLECTING


def test_an_hour_that_is_asked_for_is_collected(deployed: Stage, event: Load, context: LambdaContext) -> None:
    """The message of the minute's tick, or of an operator, makes the files of an hour."""
    world = HourWorld(deployed)
    world.deliver([world.message(1, [outcome("C-1", Status.NOT_FOUND, at=world.clock())])])
    delivered = event("on_results/ended.json")
    delivered["Records"][0]["body"] = json.dumps({"workspace": "default", "hour": world.hour.name})
    assert on_results.handler(delivered, context) == {"batchItemFailures": []}
    assert [one["identifier"] for one in world.records()] == ["C-1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"workspace": "default", "hour": "2026-11-29"}, "body: must be an object with workspace and hour"),
        ({"hour": "2026-11-29T03"}, "body: must be an object with workspace and hour"),
        ({"workspace": "default", "hour": "2026-11-29T3x"}, "body: must be an object with workspace and hour"),
        ({"workspace": "other", "hour": "2026-11-29T03"}, "workspace: is none of this stage"),
    ],
)
def test_what_is_no_hour_is_laid_aside(
    deployed: Stage, event: Load, context: LambdaContext, body: dict[str, str], reason: str
) -> None:
    """An hour that there is not, or of a workspace that there is not, goes to the dead-letter queue with a reason."""
    delivered = event("on_results/ended.json")
    delivered["Records"][0]["body"] = json.dumps(body)
    assert on_results.handler(delivered, context) == {"batchItemFailures": []}
    (laid,) = deployed.messages(deployed.settings.results_dead_letter_queue_url or "")
    assert laid["MessageAttributes"]["reason"]["StringValue"].startswith(reason)
