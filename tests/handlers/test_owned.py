"""What partners own costs others nothing: requests and ticks beside thousands of lookups, and the caps on them."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

import on_request
import on_schedule
from lookup.ledger.items import (
    Item,
    cursor_facts,
    lookup_key,
    partner_key,
    ready_pk,
    ready_sk,
    serialize,
    share_key,
    spec_item,
    unfinished_item,
)
from lookup.ledger.model import Cursor, LookupSpec, LookupState, Roster
from tests.handlers.calling import Call, kind_of, serve_parts_queue, uploaded
from tests.handlers.conftest import forget, on_requests_to_aws
from tests.lambda_context import LambdaContext
from tests.lookup.stage import Stage

# Unfinished lookups; an estimate looks at a hundred ready ones of a partner's own, which the few are enough for.
FEW, MANY = 700, int(os.environ.get("OWNED") or 1000)  # OWNED=10000 for the figures of decision 23
FIELDS = tuple(f"field-{number:02}" for number in range(20))
TICK = {"task": "feed"}
WRITERS = 8
_numbers = count()


@dataclass
class Meter:
    """Requests to AWS of this function instance by operation, and the bytes that DynamoDB answered."""

    requests: Counter[str] = field(default_factory=Counter)
    answered: int = 0

    def see(self, model: Any, http_response: Any, **_: object) -> None:
        self.requests[model.name] += 1
        if model.service_model.service_name == "dynamodb":
            self.answered += len(http_response.content)

    def of(self, work: Callable[[], object]) -> tuple[int, int, float]:
        """Return how many requests something makes, the bytes that are answered, and the seconds it takes."""
        self.requests.clear()
        self.answered, began = 0, time.perf_counter()
        work()
        return self.requests.total(), self.answered, time.perf_counter() - began


@pytest.fixture
def meter(deployed: Stage) -> Meter:
    meter = Meter()
    on_requests_to_aws("after-call", meter.see)
    return meter


def own(deployed: Stage, number: int) -> None:
    """Write lookups of three partners as their submission leaves them, half of them paused."""
    body = b"customer_id\nC-1\nC-2\n"
    key = "rosters/acme/small.csv"
    put = deployed.s3.put_object(Bucket=deployed.settings.bucket_name, Key=key, Body=body)
    roster = Roster(key, put.get("VersionId"), len(body), entries=2)
    base = LookupSpec("", "default", "", time.time(), roster, fields=FIELDS)
    first = next(_numbers) * 100_000
    names = ("acme", "other", "third")
    specs = [replace(base, lookup_id=f"own-{first + one}", partner=names[one % 3]) for one in range(number)]
    active = {spec.lookup_id for spec in specs[::2]}
    requests = [
        {"PutRequest": {"Item": item}} for spec in specs for item in items_of(spec, is_active=spec.lookup_id in active)
    ]
    with ThreadPoolExecutor(WRITERS) as pool:
        for answer in pool.map(
            lambda start: write(deployed, requests[start : start + 25]), range(0, len(requests), 25)
        ):
            assert not answer["UnprocessedItems"]
    for name in names:
        owned = [spec for spec in specs if spec.partner == name]
        ready = sum(spec.lookup_id in active for spec in owned)
        gains = {"unfinished": len(owned), "running": ready, "ready": ready, "users": 2 * ready}
        deployed.dynamodb.update_item(
            TableName=deployed.settings.ledger_table_name,
            Key=share_key("default", name),
            UpdateExpression="ADD " + ", ".join(f"#{gain} :{gain}" for gain in gains),
            ExpressionAttributeNames={f"#{gain}": gain for gain in gains},
            ExpressionAttributeValues=serialize({f":{gain}": value for gain, value in gains.items()}),
        )


def write(deployed: Stage, requests: list[Any]) -> Any:
    return deployed.dynamodb.batch_write_item(RequestItems={deployed.settings.ledger_table_name: requests})


def items_of(spec: LookupSpec, *, is_active: bool) -> Iterator[Item]:
    state = LookupState.ACTIVE if is_active else LookupState.PAUSED
    yield spec_item(spec)
    yield lookup_key(spec.lookup_id, "state") | serialize({"is": state.value})
    yield lookup_key(spec.lookup_id, "cursor") | serialize(cursor_facts(Cursor()))
    yield partner_key(spec) | serialize({"lookup_id": spec.lookup_id})
    yield unfinished_item(spec)
    yield serialize({"pk": "look#default", "sk": spec.lookup_id, "noted_at": 0})
    if is_active:
        place = {"pk": ready_pk("default", spec.partner), "sk": ready_sk(spec.turn, spec.lookup_id), "left": 2}
        yield serialize(place)


def test_what_is_owned_costs_others_nothing(
    deployed: Stage, meter: Meter, call: Call, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests read as much beside thousands of unfinished lookups as beside few; a tick makes under 60 requests."""
    monkeypatch.setenv("LOOKUPS_PER_PARTNER", "100000")
    forget()
    on_requests_to_aws("after-call", meter.see)
    works: dict[str, Callable[[], object]] = {
        "GET /v1/quota": lambda: call("GET", "/v1/quota"),
        "POST /v1/lookups": lambda: call("POST", "/v1/lookups", {"identifiers": ["C-1"]}, prefer="respond-async"),
    }

    def measured() -> dict[str, tuple[int, int, float]]:
        for work in works.values():  # an instance's first requests read its grants, a workspace's make its gate
            work()
        return {name: meter.of(work) for name, work in works.items()}

    own(deployed, FEW)
    on_schedule.handler(TICK, context)
    few = measured()
    own(deployed, MANY)
    many = measured()
    ticks = [meter.of(lambda: on_schedule.handler(TICK, context)) for _ in range(3)]
    print({"few": few, "many": many, "ticks": ticks})  # noqa: T201 - the figures of decision 23
    for name in works:
        assert many[name][0] <= few[name][0] + 1, meter.requests
        assert many[name][1] <= few[name][1] + 2000
    assert max(requests for requests, _, _ in ticks) < 60, meter.requests
    assert max(answered for _, answered, _ in ticks) < 200_000
    assert sum(share.unfinished for share in on_request.services().whole.lookups.shares.of("default")) >= FEW + MANY


def test_the_most_lookups(deployed: Stage, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is refused, and the answer names what there are too many of; one that ends makes room."""
    monkeypatch.setenv("LOOKUPS_PER_PARTNER", "2")
    forget()
    order = {"identifiers": ["C-1"]}
    accepted = [call("POST", "/v1/lookups", order, prefer="respond-async") for _ in range(2)]
    assert [status for status, _, _ in accepted] == [202, 202]
    refused = call("POST", "/v1/lookups", order, prefer="respond-async")
    assert kind_of(refused) == (429, "too-many")
    assert (refused[1]["owned"], refused[1]["limit"]) == ("lookups", 2)
    assert refused[1]["detail"] == "2 lookups are the most that a partner may have at once"
    assert int(refused[2]["Retry-After"]) >= 1
    path = f"/v1/lookups/{accepted[0][1]['lookup_id']}"
    assert call("PATCH", path, {"action": "cancel"})[0] == 200
    serve_parts_queue(deployed, LambdaContext())
    assert call("POST", "/v1/lookups", order, prefer="respond-async")[0] == 202


def test_the_most_schedules(deployed: Stage, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One schedule too many is refused and named; one may be changed at any time, and one deleted makes room."""
    deployed.session.client("scheduler").create_schedule_group(Name="group")
    monkeypatch.setenv("SCHEDULES_PER_PARTNER", "2")
    forget()
    order = {"expression": "rate(1 minute)", "roster_id": uploaded(call, b"C-1\nC-2\n")}
    assert [call("PUT", f"/v1/schedules/{name}", order)[0] for name in ("one", "two", "two")] == [201, 201, 200]
    refused = call("PUT", "/v1/schedules/three", order)
    assert kind_of(refused) == (429, "too-many")
    assert (refused[1]["owned"], refused[1]["limit"]) == ("schedules", 2)
    assert refused[1]["detail"] == "2 schedules are the most that a partner may have at once"
    assert call("GET", "/v1/schedules/three")[0] == 404
    assert call("DELETE", "/v1/schedules/one")[0] == 204
    assert call("PUT", "/v1/schedules/three", order)[0] == 201


def test_the_most_uploads(deployed: Stage, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One open upload too many is refused and named, whether the others were used or not; time makes room."""
    monkeypatch.setenv("UPLOADS_PER_PARTNER", "2")
    forget()
    order = {"bytes": 7}
    uploaded(call, b"C-1\nC-2\n")
    assert call("POST", "/v1/rosters", order)[0] == 201
    refused = call("POST", "/v1/rosters", order)
    assert kind_of(refused) == (429, "too-many")
    assert (refused[1]["owned"], refused[1]["limit"]) == ("uploads", 2)
    assert refused[1]["detail"] == "2 uploads are the most that a partner may have at once"
    assert int(refused[2]["Retry-After"]) >= 1
