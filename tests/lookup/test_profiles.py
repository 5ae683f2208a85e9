"""Profiles in DynamoDB: newest fetch wins, change is seen, everything survives unchanged."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookup import wire
from lookup.model import Attributes, Identifier, Profile, timestamp
from tests.lookup.road import Road, customer
from tests.lookup.stage import Stage

ALICE = customer("alice")
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(min_size=1, max_size=12)
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.just(""), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def road(stage: Stage) -> Road:
    return Road(stage)


def fetched(road: Road, attributes: Attributes | None, *, after: float = 0.0, who: Identifier = ALICE) -> Profile:
    return Profile("default", who, attributes, road.clock() + after, "lookup-1")


@EXAMPLES
@given(attributes=st.dictionaries(NAMES, JSON, max_size=6))
def test_attributes_survive(stage: Stage, attributes: Attributes) -> None:
    """Whatever JSON a profile holds, it is read back equal."""
    road = Road(stage)
    profile = fetched(road, attributes, who=customer(uuid4().hex))
    road.profiles.write(profile, None)
    assert road.profiles.read("default", [profile.identifier])[profile.identifier].attributes == attributes


def test_a_profile_over_the_items_limit_survives(road: Road) -> None:
    """A profile of more than 400 KB lies in S3, its item points there, and it is read back equal."""
    attributes: Attributes = {"bio": "ü" * 300_000, "score": Decimal("0.1")}
    road.profiles.write(fetched(road, attributes), None)
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == attributes
    item = road.stage.dynamodb.get_item(
        TableName=road.stage.settings.profiles_table_name,
        Key={"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}},
    )["Item"]
    assert item["attributes_key"]["S"].startswith("oversize/workspace=default/")
    assert "attributes" not in item


@pytest.mark.parametrize("order", list(permutations([0.0, 1.0, 2.0])))
def test_newest_fetch_wins(road: Road, order: tuple[float, ...]) -> None:
    """In whatever order fetches are written, the one that left last is what stays."""
    for after in order:
        road.profiles.write(fetched(road, {"at": int(after)}, after=after), None)
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == {"at": 2}


def test_concurrent_writers_leave_the_newest(road: Road) -> None:
    """Of many writers at once that all saw nothing before, the newest fetch stays."""
    profiles = [fetched(road, {"at": after}, after=after / 10) for after in range(24)]
    random.Random(7).shuffle(profiles)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda profile: road.profiles.write(profile, None), profiles))
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == {"at": 23}


def test_change_is_told_by_field(road: Road) -> None:
    """A fetch that differs names the attributes that came, went or changed, and when; 1 and 1.0 do not differ."""
    first = road.profiles.write(fetched(road, {"a": 1, "b": 2, "c": 3}), None)
    second = road.profiles.write(fetched(road, {"a": Decimal("1.0"), "b": 5, "d": 4}, after=10), first)
    assert second.changed_fields == ("b", "c", "d")
    assert second.changed_at == second.fetched_at
    third = road.profiles.write(replace(second, fetched_at=second.fetched_at + 10), second)
    assert (third.changed_fields, third.changed_at) == ((), second.fetched_at)


def test_change_is_told_against_what_another_writer_stored(road: Road) -> None:
    """A writer that saw nothing compares with what another stored in between."""
    road.profiles.write(fetched(road, {"a": 1}), None)
    assert road.profiles.write(fetched(road, {"a": 2}, after=1), None).changed_fields == ("a",)


def test_our_own_write_is_known_again(road: Road) -> None:
    """A write whose answer was lost finds its own item the second time, and still tells what changed."""
    first = road.profiles.write(fetched(road, {"a": 1}), None)
    second = fetched(road, {"a": 2}, after=1)
    road.profiles.write(second, first)
    assert road.profiles.write(second, first).changed_fields == ("a",)


def test_fields_not_asked_for_have_not_gone(road: Road) -> None:
    """A fetch of fewer fields says nothing of the others."""
    first = road.profiles.write(fetched(road, {"a": 1, "b": 2}), None)
    second = road.profiles.write(replace(fetched(road, {"a": 9}, after=1), fields=("a",)), first)
    assert second.changed_fields == ("a",)


def item_of(road: Road) -> dict[str, Any]:
    return road.stage.dynamodb.get_item(
        TableName=road.stage.settings.profiles_table_name,
        Key={"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}},
    )["Item"]


def test_a_narrow_fetch_leaves_the_rest_in_the_item(road: Road) -> None:
    """The item says of its newest fetch what it always said, and beside it of which time the other fields are."""
    wide = fetched(road, {"a": 1, "b": 2})
    road.profiles.write(wide, None)
    road.profiles.write(replace(fetched(road, {"a": 9}, after=5), fields=("a",), lookup_id="lookup-2"), None)
    item = {name: TypeDeserializer().deserialize(value) for name, value in item_of(road).items()}
    assert item["attributes"] == {"a": 9, "b": 2}
    assert (item["fetched_at"], item["fields"]) == (timestamp(wide.fetched_at + 5), ["a"])
    assert item["earlier"] == {timestamp(wide.fetched_at): None}
    assert (item["lookup_id"], item["changed_fields"], item["revision"]) == ("lookup-2", ["a"], 1)
    assert item["content_hash"] == wire.fingerprint({"b": 2, "a": 9})
    assert item["expires_at"] == int(wide.fetched_at) + 30 * 24 * 3600


@pytest.mark.parametrize(("fields", "covered"), [(None, True), (["a"], False)])
def test_items_of_before_are_read_and_joined(road: Road, fields: list[str] | None, *, covered: bool) -> None:
    """An item that was written before fields had times is read as it was meant, and joined with what comes."""
    at = road.clock()
    old = {
        "identifier": "alice", "scope": "default#customer_id", "workspace": "default", "identifier_type": "customer_id",
        "status": "found", "fetched_at": timestamp(at), "changed_at": timestamp(at), "changed_fields": [],
        "lookup_id": "lookup-0", "expires_at": int(at) + 30 * 24 * 3600, "content_hash": "x", "attributes": {"a": 1},
    } | ({} if fields is None else {"fields": fields})  # fmt: skip
    item = {name: TypeSerializer().serialize(value) for name, value in old.items()}
    road.stage.dynamodb.put_item(TableName=road.stage.settings.profiles_table_name, Item=item)
    stored = road.profiles.read("default", [ALICE])[ALICE]
    assert (stored.answer(("a",)) is not None, stored.answer(("b",)) is not None) == (True, covered)
    new = replace(fetched(road, {"b": 2}, after=5), fields=("b",))
    assert road.profiles.write(new, stored).changed_fields == (("b",) if covered else ())
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == {"a": 1, "b": 2}


def test_a_narrow_fetch_of_a_profile_over_the_items_limit(road: Road) -> None:
    """Attributes that lie in S3 stay there beside a fetch of others; once they fit, the item holds them itself."""
    road.profiles.write(fetched(road, {"bio": "ü" * 300_000, "a": 1}), None)
    road.profiles.write(replace(fetched(road, {"a": 2}, after=5), fields=("a",)), None)
    answer = road.profiles.read("default", [ALICE])[ALICE].answer(None)
    assert answer is not None
    assert (answer.attributes, answer.fetched_at) == ({"bio": "ü" * 300_000, "a": 2}, road.clock())
    assert "attributes" not in item_of(road)
    road.profiles.write(replace(fetched(road, {"bio": "short"}, after=6), fields=("bio",)), None)
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == {"bio": "short", "a": 2}
    assert "attributes_key" not in item_of(road)


def test_a_field_outlives_the_fetch_of_all(road: Road) -> None:
    """When the fetch of all fields has expired, a newer one of few still answers for these, and the others are gone."""
    road.profiles.write(fetched(road, {"a": 1, "b": 2}), None)
    road.profiles.write(replace(fetched(road, {"a": 9}, after=5 * 24 * 3600), fields=("a",)), None)
    road.clock.now += 30 * 24 * 3600
    stored = road.profiles.read("default", [ALICE])[ALICE]
    assert (stored.attributes, stored.answer(None), stored.answer(("b",))) == ({"a": 9}, None, None)
    road.profiles.write(replace(fetched(road, {"c": 1}), fields=("c",)), stored)
    assert "b" not in item_of(road)["attributes"]["M"]
    road.clock.now += 5 * 24 * 3600
    assert road.profiles.read("default", [ALICE])[ALICE].attributes == {"c": 1}


def test_a_fetch_costs_one_write(road: Road) -> None:
    """A fetch of some fields beside another of all is one request of DynamoDB's, as the first was."""
    calls: list[str] = []
    road.stage.dynamodb.meta.events.register("after-call.dynamodb", lambda model, **_: calls.append(model.name))
    road.profiles.write(fetched(road, {"a": 1, "b": 2}), None)
    seen = road.profiles.read("default", [ALICE])[ALICE]
    road.profiles.write(replace(fetched(road, {"a": 9}, after=5), fields=("a",)), seen)
    assert calls == ["PutItem", "BatchGetItem", "PutItem"]


def test_expired_profiles_are_gone(road: Road) -> None:
    """A profile past its retention is not read, whether or not DynamoDB has deleted it; a missing user goes sooner."""
    missing = customer("nobody")
    road.profiles.write(fetched(road, {"a": 1}), None)
    road.profiles.write(fetched(road, None, who=missing), None)
    assert set(road.profiles.read("default", [ALICE, missing])) == {ALICE, missing}
    road.clock.now += 24 * 3600
    assert set(road.profiles.read("default", [ALICE, missing])) == {ALICE}
    road.clock.now += 29 * 24 * 3600
    assert road.profiles.read("default", [ALICE, missing]) == {}


def test_workspaces_and_types_do_not_mix(road: Road) -> None:
    """The same identifier in another workspace is another profile."""
    road.profiles.write(fetched(road, {"a": 1}), None)
    assert road.profiles.read("other", [ALICE]) == {}


def test_unprocessed_keys_are_read_again(road: Road) -> None:
    """Keys that DynamoDB leaves unanswered are asked for again, none is dropped."""
    names = [customer(f"user-{number}") for number in range(150)]
    for name in names:
        road.profiles.write(fetched(road, {"n": name.identifier}, who=name), None)
    calls: list[int] = []

    def half(http_response: object, parsed: dict[str, object], **_: object) -> None:
        calls.append(1)
        if len(calls) % 2:
            table = road.stage.settings.profiles_table_name
            items = parsed["Responses"][table]  # type: ignore[index]  # botocore's parsed answer
            left = [{key: item[key] for key in ("identifier", "scope")} for item in items[1:]]
            parsed["Responses"][table] = items[:1]  # type: ignore[index]  # botocore's parsed answer
            parsed["UnprocessedKeys"] = {table: {"Keys": left}}

    road.stage.dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", half)
    assert set(road.profiles.read("default", names)) == set(names)
    assert len(calls) == 4
