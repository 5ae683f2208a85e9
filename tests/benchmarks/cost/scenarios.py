"""The jobs that are counted: a roster of some parts, profiles fresh enough and not, looks at the quota, a tick."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import on_queue
import on_request
import on_schedule
from infra.constructs.access_log import access_log_format
from lookup.ledger.table import LedgerTable
from lookup.ledger.usage.quota_history import HOUR, MINUTE, QuotaHistories
from lookup.model import PART_LIMIT
from tests.benchmarks.cost.meter import EVENT_OVERHEAD
from tests.benchmarks.cost.prices import Item
from tests.benchmarks.cost.stage import Metered
from tests.benchmarks.cost.units import Usage
from tests.sqs_records import sqs_record

EVENTS = Path(__file__).parents[3] / "events"
# An access log line as API Gateway writes it: the longest values that occur.
LOGGED = {
    "request_id": "JKJaXmPLvHcESHA=", "route_key": "GET /v1/profiles/{identifier_type}/{identifier+}", "status": "200",
    "client_id": "3n4b5urk1ft4fl3mg5e62d9ado", "response_bytes": "2345", "response_ms": "120", "error": "-",
}  # fmt: skip


DELETED_AT_ONCE = 10  # messages of one DeleteMessageBatch


@dataclass(frozen=True, slots=True)
class Counted:
    """What a job of so many units (users or requests) used of AWS; `cpu` in seconds of one processor."""

    units: int
    usage: Usage
    requests: Mapping[tuple[str, str], float]
    gate_requests: int
    gate_usage: Usage
    invocations: int
    cpu: float


def roster(metered: Metered, parts: int) -> Counted:
    """Look a roster of full parts up, from its upload to its end."""
    names = [f"customer-{number:07}" for number in range(parts * PART_LIMIT)]
    metered.users(names)
    roster_id = uuid4().hex
    body = b"customer_id\n" + "".join(f"{name}\n" for name in names).encode()
    metered.stage.s3.put_object(Bucket=metered.stage.settings.bucket_name, Key=f"rosters/acme/{roster_id}", Body=body)
    metered.meter.count_request("s3", "PutObject", {}, {})  # the partner's upload, on our bill
    answer = metered.invoke(on_request.handler, posted({"roster_id": roster_id}))
    assert answer["statusCode"] == 202, answer
    metered.processor.forget()
    _request(metered, 1)
    while (message := metered.take()) is not None:
        failed = metered.invoke(on_queue.handler, {"Records": [_record(message, metered)]})
        assert failed == {"batchItemFailures": []}, "AWS or MoEngage did not answer in time: count on a quieter machine"
        metered.done(message)
    return _counted(metered, len(names), metered.processor.seconds())


def requests(metered: Metered, number: int, *, fresh: bool) -> Counted:
    """Request one profile so often: fresh ones are stored and young enough, the others are fetched from MoEngage."""
    names = [f"customer-{one:07}" for one in range(number + 1)]
    metered.users(names)
    if fresh:
        for name in names[1:]:
            metered.invoke(on_request.handler, _requested(name))
    metered.invoke(on_request.handler, _requested(names[0]))  # an instance has its clients, secret and grants
    _reset(metered)
    for name in names[1:]:
        answer = metered.invoke(on_request.handler, _requested(name))
        assert answer["statusCode"] == 200, answer
    _request(metered, number)
    return _counted(metered, number)


def polls(metered: Metered, number: int) -> Counted:
    """Look at the quota so often, as the console's overview does, with an hour and a day of history."""
    now = time.time()
    for ago in [*range(26 * HOUR, HOUR, -HOUR), *range(HOUR, 0, -MINUTE)]:
        at = now - ago
        table = LedgerTable(
            metered.stage.dynamodb, metered.stage.settings.ledger_table_name, clock=lambda: now, sleep=time.sleep
        )
        QuotaHistories(table, lambda at=at: at).record("default", int(at), int(at) // 10)  # type: ignore[misc]  # bound
    metered.invoke(on_request.handler, _looked())
    _reset(metered)
    for _ in range(number):
        answer = metered.invoke(on_request.handler, _looked())
        assert len(json.loads(answer["body"])["minutes"]) > 50, answer
    _request(metered, number)
    return _counted(metered, number)


def archived(metered: Metered, number: int) -> Counted:
    """Archive so many answers at once, one batch: as many as come in five minutes at ten million a year.

    So little traffic is received message by message, and deleted by tens.
    """
    requests(metered, number, fresh=False)
    url = metered.stage.settings.answers_queue_url or ""
    messages = metered.stage.messages(url)
    _reset(metered)
    event = {"Records": [sqs_record(message, url.rpartition("/")[2]) for message in messages]}
    assert metered.invoke(on_queue.handler, event) == {"batchItemFailures": []}
    metered.meter.usage[Item.SQS_REQUEST] += len(messages) + len(messages) / DELETED_AT_ONCE
    return _counted(metered, len(messages))


def ticks(metered: Metered, number: int) -> Counted:
    """Run the minute's tick without work so often."""
    metered.invoke(on_schedule.handler, {"task": "feed"})
    _reset(metered)
    for _ in range(number):
        metered.invoke(on_schedule.handler, {"task": "feed"})
        metered.meter.usage[Item.SCHEDULE] += 1
    return _counted(metered, number)


def _reset(metered: Metered) -> None:
    meter = metered.meter
    for counter in (meter.usage, meter.requests, meter.gate_usage):
        counter.clear()
    meter.gate_requests, metered.invocations = 0, 0
    metered.processor.forget()


def _request(metered: Metered, number: int) -> None:
    line = {name: LOGGED[name] for name in json.loads(access_log_format("client_id"))}
    metered.meter.usage[Item.HTTP_REQUEST] += number
    metered.meter.logged(number * (len(json.dumps(line, separators=(",", ":"))) + EVENT_OVERHEAD))


def _counted(metered: Metered, number: int, cpu: float | None = None) -> Counted:
    """Return what was counted; without `cpu` all invocations were alike."""
    meter = metered.meter
    return Counted(
        number,
        {**meter.usage, Item.INVOCATION: metered.invocations},
        dict(meter.requests),
        meter.gate_requests,
        dict(meter.gate_usage),
        metered.invocations,
        metered.processor.seconds_of_the_usual() if cpu is None else cpu,
    )


def _record(message: Any, metered: Metered) -> dict[str, Any]:
    return sqs_record(message, metered.stage.settings.parts_queue_url.rpartition("/")[2])


def _requested(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "on_request/get_profile.json").read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1/profiles/customer_id/{name}"
    event["pathParameters"]["identifier"] = name
    return event


def _looked() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "on_request/get_quota.json").read_text())
    return event | {"rawQueryString": "minutes=60"}


def posted(order: Mapping[str, object]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "on_request/post_lookups.json").read_text())
    return event | {"body": json.dumps(order), "isBase64Encoded": False}
