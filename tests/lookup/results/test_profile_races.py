"""Writers of one user at once, in real processes and with answers that are lost: nobody's fields are."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import boto3
import pytest

from infra.local.ministack.process import REGION
from lookup.errors import AwsUnavailable
from lookup.model import Profile
from lookup.results.oversize import Oversize
from lookup.results.profile_item import Retention
from lookup.results.profiles import MAX_ATTEMPTS, ProfileStore
from tests.forking import forking
from tests.lookup.results.field_history import NAMES, QUESTIONS, START, fetch, replay
from tests.lookup.services import FetchServices, customer
from tests.lookup.stage import Stage

PROCESSES, EACH = 4, 25
ALICE = customer("alice")


def drawn(seed: int) -> list[Profile]:
    """Return the fetches of one process; no two of all have the same time."""
    random, fetches = Random(seed), []
    for number in range(EACH):
        fields = random.choice([None, *(random.sample(NAMES, size) for size in (1, 1, 2, 3))])
        attributes = {name: random.randint(0, 9) for name in NAMES if random.random() < 0.8}
        at = random.randint(0, 10_000) + (seed * EACH + number) / 1000
        fetches.append(fetch(at, None if random.random() < 0.04 else attributes, fields))
    return fetches


def write_all(endpoint_url: str, account: str, table: str, bucket: str, seed: int) -> None:
    session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="local", region_name=REGION)
    profiles = ProfileStore(
        session.client("dynamodb", endpoint_url=endpoint_url),
        table,
        oversize=Oversize(session.client("s3", endpoint_url=endpoint_url), bucket, lambda _, one: one.identifier),
        retention=Retention(3000, 3000),
        clock=lambda: START,
        sleep=time.sleep,
    )
    for one in drawn(seed):
        previous = profiles.read("default", [ALICE]).get(ALICE) if seed % 2 else None
        profiles.write(one, previous)


def test_processes_that_write_at_once_lose_nobody_s_fields(stage: Stage) -> None:
    """Whatever writers collide, in the end every field is that of its newest fetch."""
    credentials = stage.session.get_credentials()
    assert credentials is not None
    endpoint_url = stage.dynamodb.meta.endpoint_url
    where = (endpoint_url, credentials.access_key, stage.settings.profiles_table_name, stage.settings.bucket_name)
    context = forking()
    processes = [context.Process(target=write_all, args=(*where, seed)) for seed in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    services = FetchServices(stage)
    services.clock.now = START
    stored, known = (
        services.profiles.read("default", [ALICE])[ALICE],
        replay([one for n in range(PROCESSES) for one in drawn(n)]),
    )
    for fields in QUESTIONS:
        answer, expected = stored.select(fields), known.answer(fields)
        assert (answer and (answer.fetched_at, answer.attributes)) == expected


@pytest.fixture
def services(stage: Stage) -> FetchServices:
    services = FetchServices(stage)
    services.clock.now = START
    return services


def before_put(services: FetchServices, action: Callable[[], object]) -> None:
    """Do something before the next put reaches DynamoDB, once."""
    waiting = [action]

    def act(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    services.stage.dynamodb.meta.events.register("before-call.dynamodb.PutItem", act)


def test_a_write_between_a_read_and_a_late_one_is_seen(services: FetchServices) -> None:
    """A late fetch that leaves the newest time as it is does not escape who read before it."""
    services.profiles.write(fetch(9, {"a": 1}, ["a"]), None)
    seen = services.profiles.read("default", [ALICE])[ALICE]
    services.profiles.write(fetch(1, {"a": 0, "b": 1, "c": 1}), None)
    services.profiles.write(fetch(5, {"b": 2}, ["b"]), seen)
    answer = services.profiles.read("default", [ALICE])[ALICE].select(None)
    assert answer is not None
    assert (answer.attributes, answer.fetched_at) == ({"a": 1, "b": 2, "c": 1}, START + 1)


def test_what_was_erased_in_between_stays_erased(services: FetchServices) -> None:
    """A writer that read a user before it was deleted brings back only what it has fetched itself."""
    services.profiles.write(fetch(0, {"a": 1, "b": 1}), None)
    seen = services.profiles.read("default", [ALICE])[ALICE]
    key = {"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}}
    table = services.stage.settings.profiles_table_name
    before_put(services, lambda: services.stage.dynamodb.delete_item(TableName=table, Key=key))
    services.profiles.write(fetch(1, {"a": 2}, ["a"]), seen)
    stored = services.profiles.read("default", [ALICE])[ALICE]
    assert (stored.attributes, stored.select(("b",))) == ({"a": 2}, None)


def test_a_lost_answer_is_known_under_a_newer_write(services: FetchServices) -> None:
    """A write whose response was lost, and over which another was written, still reports what changed."""
    first = services.profiles.write(fetch(0, {"a": 1, "b": 1}), None)
    ours = fetch(1, {"a": 2}, ["a"])
    seen = services.profiles.read("default", [ALICE])[ALICE]
    assert services.profiles.write(ours, seen).changed_fields == ("a",)
    services.profiles.write(fetch(2, {"b": 2}, ["b"]), None)
    assert services.profiles.write(ours, seen).changed_fields == ("a",)
    assert first.changed_fields == ()


def test_a_write_that_always_meets_others_ends(services: FetchServices) -> None:
    """A writer that always conflicts gives up after a bounded number of tries, with an AWS error."""
    puts = []

    def meddle(params: dict[str, Any], **_: Any) -> None:
        puts.append(params)
        params["ConditionExpression"] = "fetched_at = :never"
        params.setdefault("ExpressionAttributeValues", {})
        params["ExpressionAttributeValues"] = {":never": {"S": "never"}}

    services.profiles.write(fetch(0, {"a": 1}), None)
    services.stage.dynamodb.meta.events.register("provide-client-params.dynamodb.PutItem", meddle)
    with pytest.raises(AwsUnavailable, match=f"conflicts {MAX_ATTEMPTS} times"):
        services.profiles.write(fetch(1, {"a": 2}), None)
    assert len(puts) == MAX_ATTEMPTS
