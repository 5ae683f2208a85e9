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

from lookup import exact_json
from lookup.model import Attributes, Identifier, Profile, timestamp
from tests.lookup.results.field_history import FETCHES, QUESTIONS, START, replay
from tests.lookup.services import FetchServices, customer
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
def services(stage: Stage) -> FetchServices:
    return FetchServices(stage)


def fetched(
    services: FetchServices, attributes: Attributes | None, *, after: float = 0.0, who: Identifier = ALICE
) -> Profile:
    return Profile("default", who, attributes, services.clock() + after, "lookup-1")


@EXAMPLES
@given(attributes=st.dictionaries(NAMES, JSON, max_size=6))
def test_attributes_survive(stage: Stage, attributes: Attributes) -> None:
    """Whatever JSON a profile holds, it is read back equal."""
    services = FetchServices(stage)
    profile = fetched(services, attributes, who=customer(uuid4().hex))
    services.profiles.write(profile, None)
    assert services.profiles.read("default", [profile.identifier])[profile.identifier].attributes == attributes


def test_a_profile_over_the_items_limit_survives(services: FetchServices) -> None:
    """A profile of more than 400 KB lies in S3, its item points there, and it is read back equal."""
    attributes: Attributes = {"bio": "ü" * 300_000, "score": Decimal("0.1")}
    services.profiles.write(fetched(services, attributes), None)
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == attributes
    item = services.stage.dynamodb.get_item(
        TableName=services.stage.settings.profiles_table_name,
        Key={"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}},
    )["Item"]
    assert item["attributes_key"]["S"].startswith("oversize/workspace=default/")
    assert "attributes" not in item


@pytest.mark.parametrize("order", list(permutations([0.0, 1.0, 2.0])))
def test_newest_fetch_wins(services: FetchServices, order: tuple[float, ...]) -> None:
    """In whatever order fetches are written, the one that left last is what stays."""
    for after in order:
        services.profiles.write(fetched(services, {"at": int(after)}, after=after), None)
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"at": 2}


def test_concurrent_writers_leave_the_newest(services: FetchServices) -> None:
    """Of many writers at once that all saw nothing before, the newest fetch stays."""
    profiles = [fetched(services, {"at": after}, after=after / 10) for after in range(24)]
    random.Random(7).shuffle(profiles)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda profile: services.profiles.write(profile, None), profiles))
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"at": 23}


def test_change_is_reported_by_field(services: FetchServices) -> None:
    """A fetch that differs names the attributes that came, went or changed, and when; 1 and 1.0 do not differ."""
    first = services.profiles.write(fetched(services, {"a": 1, "b": 2, "c": 3}), None)
    second = services.profiles.write(fetched(services, {"a": Decimal("1.0"), "b": 5, "d": 4}, after=10), first)
    assert second.changed_fields == ("b", "c", "d")
    assert second.changed_at == second.fetched_at
    third = services.profiles.write(replace(second, fetched_at=second.fetched_at + 10), second)
    assert (third.changed_fields, third.changed_at) == ((), second.fetched_at)


def test_change_is_reported_against_what_another_writer_stored(services: FetchServices) -> None:
    """A writer that saw nothing compares with what another stored in between."""
    services.profiles.write(fetched(services, {"a": 1}), None)
    assert services.profiles.write(fetched(services, {"a": 2}, after=1), None).changed_fields == ("a",)


def test_our_own_write_is_known_again(services: FetchServices) -> None:
    """A write whose response was lost finds its own item on retry, and still reports what changed."""
    first = services.profiles.write(fetched(services, {"a": 1}), None)
    second = fetched(services, {"a": 2}, after=1)
    services.profiles.write(second, first)
    assert services.profiles.write(second, first).changed_fields == ("a",)


def test_unrequested_fields_have_not_gone(services: FetchServices) -> None:
    """A fetch of fewer fields reports no change of the others."""
    first = services.profiles.write(fetched(services, {"a": 1, "b": 2}), None)
    second = services.profiles.write(replace(fetched(services, {"a": 9}, after=1), fields=("a",)), first)
    assert second.changed_fields == ("a",)


def item_of(services: FetchServices) -> dict[str, Any]:
    return services.stage.dynamodb.get_item(
        TableName=services.stage.settings.profiles_table_name,
        Key={"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}},
    )["Item"]


def test_a_narrow_fetch_leaves_the_rest_in_the_item(services: FetchServices) -> None:
    """The item holds its newest fetch as before, and beside it the times of the other fields."""
    wide = fetched(services, {"a": 1, "b": 2})
    services.profiles.write(wide, None)
    services.profiles.write(replace(fetched(services, {"a": 9}, after=5), fields=("a",), lookup_id="lookup-2"), None)
    item = {name: TypeDeserializer().deserialize(value) for name, value in item_of(services).items()}
    assert item["attributes"] == {"a": 9, "b": 2}
    assert (item["fetched_at"], item["fields"]) == (timestamp(wide.fetched_at + 5), ["a"])
    assert item["earlier"] == {timestamp(wide.fetched_at): None}
    assert (item["lookup_id"], item["changed_fields"], item["revision"]) == ("lookup-2", ["a"], 1)
    assert item["content_hash"] == exact_json.fingerprint({"b": 2, "a": 9})
    assert item["expires_at"] == int(wide.fetched_at) + 30 * 24 * 3600


@pytest.mark.parametrize(("fields", "covered"), [(None, True), (["a"], False)])
def test_items_of_before_are_read_and_joined(
    services: FetchServices, fields: list[str] | None, *, covered: bool
) -> None:
    """An item that was written before fields had times is read as it was meant, and joined with what comes."""
    at = services.clock()
    old = {
        "identifier": "alice", "scope": "default#customer_id", "workspace": "default", "identifier_type": "customer_id",
        "status": "found", "fetched_at": timestamp(at), "changed_at": timestamp(at), "changed_fields": [],
        "lookup_id": "lookup-0", "expires_at": int(at) + 30 * 24 * 3600, "content_hash": "x", "attributes": {"a": 1},
    } | ({} if fields is None else {"fields": fields})  # fmt: skip
    item = {name: TypeSerializer().serialize(value) for name, value in old.items()}
    services.stage.dynamodb.put_item(TableName=services.stage.settings.profiles_table_name, Item=item)
    stored = services.profiles.read("default", [ALICE])[ALICE]
    assert (stored.select(("a",)) is not None, stored.select(("b",)) is not None) == (True, covered)
    new = replace(fetched(services, {"b": 2}, after=5), fields=("b",))
    assert services.profiles.write(new, stored).changed_fields == (("b",) if covered else ())
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"a": 1, "b": 2}


BIG: Attributes = {"bio": "ü" * 300_000, "a": 1, "b": 1}


def stored_objects(services: FetchServices) -> list[str]:
    return services.stage.keys("oversize/")


def test_narrow_fetches_of_a_profile_over_the_items_limit(services: FetchServices) -> None:
    """Attributes in S3 stay there as they are, and the item holds beside them what was fetched since."""
    services.profiles.write(fetched(services, BIG), None)
    objects = stored_objects(services)
    services.profiles.write(replace(fetched(services, {"a": 2}, after=5), fields=("a",)), None)
    services.profiles.write(replace(fetched(services, {}, after=6), fields=("b",)), None)
    stored = services.profiles.read("default", [ALICE])[ALICE]
    answer, narrow = stored.select(None), stored.select(("a", "b"))
    assert answer is not None
    assert narrow is not None
    assert (answer.attributes, answer.fetched_at) == ({"bio": BIG["bio"], "a": 2}, services.clock())
    assert (narrow.attributes, narrow.fetched_at) == ({"a": 2}, services.clock() + 5)
    item = item_of(services)
    assert (item["attributes"], item["attributes_key_until"]["S"]) == (
        {"M": {"a": {"N": "2"}}},
        timestamp(services.clock()),
    )
    assert stored_objects(services) == objects
    changed = replace(fetched(services, {"a": 3, "b": 1}, after=7), fields=("a", "b"))
    assert services.profiles.write(changed, stored).changed_fields == ("a", "b")


def test_a_fetch_of_all_with_the_same_attributes(services: FetchServices) -> None:
    """A newer fetch of all that brings what lies in S3 already is as readable as the first, and as old as it is."""
    services.profiles.write(fetched(services, BIG), None)
    services.profiles.write(fetched(services, BIG, after=5), services.profiles.read("default", [ALICE])[ALICE])
    answer = services.profiles.read("default", [ALICE])[ALICE].select(None)
    assert answer is not None
    assert (answer.attributes, answer.fetched_at) == (BIG, services.clock() + 5)


def test_a_late_fetch_behind_an_object_that_was_not_read(services: FetchServices) -> None:
    """Where nothing in S3 counts any more, a late fetch of an absent field does not bring back what lies there."""
    services.profiles.write(fetched(services, BIG), None)
    services.profiles.write(replace(fetched(services, {"b": 2}, after=40 * 24 * 3600), fields=("b",)), None)
    services.clock.now += 31 * 24 * 3600
    services.profiles.write(replace(fetched(services, {}, after=-31 * 24 * 3600 - 1), fields=("a",)), None)
    stored = services.profiles.read("default", [ALICE])[ALICE]
    assert (stored.attributes, stored.object) == ({"b": 2}, None)


def test_a_profile_that_fits_again(services: FetchServices) -> None:
    """Once all attributes fit, the item holds them, and no longer points to S3."""
    services.profiles.write(fetched(services, BIG), None)
    services.profiles.write(replace(fetched(services, {"bio": "short"}, after=6), fields=("bio",)), None)
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"bio": "short", "a": 1, "b": 1}
    assert not {"attributes_key", "attributes_key_until"} & set(item_of(services))


def test_what_does_not_fit_beside_an_object_either(services: FetchServices) -> None:
    """A second attribute that no item can hold, and a fetch that comes late, are written to S3 with all the others."""
    services.profiles.write(fetched(services, BIG, after=2), None)
    services.profiles.write(replace(fetched(services, {"b": "é" * 200_000}, after=5), fields=("b",)), None)
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {**BIG, "b": "é" * 200_000}
    assert "attributes" not in item_of(services)
    other = replace(fetched(services, {"c": "x" * 400_000}, after=5, who=customer("bob")), fields=("c",))
    services.profiles.write(other, None)
    services.profiles.write(replace(other, attributes={"d": 1}, fields=("d",), fetched_at=other.fetched_at - 1), None)
    bob = services.profiles.read("default", [customer("bob")])[customer("bob")]
    assert (bob.attributes, len(bob.groups)) == ({"c": "x" * 400_000, "d": 1}, 2)


def test_an_expired_object_is_not_requested(services: FetchServices) -> None:
    """When what lies in S3 has expired, newer fields are answered without it, though it be gone."""
    services.profiles.write(fetched(services, BIG), None)
    services.profiles.write(replace(fetched(services, {"a": 2}, after=5 * 24 * 3600), fields=("a",)), None)
    (key,) = stored_objects(services)
    for version in services.stage.s3.list_object_versions(Bucket=services.stage.settings.bucket_name, Prefix=key)[
        "Versions"
    ]:
        services.stage.s3.delete_object(
            Bucket=services.stage.settings.bucket_name, Key=key, VersionId=version["VersionId"]
        )
    services.clock.now += 30 * 24 * 3600
    stored = services.profiles.read("default", [ALICE])[ALICE]
    assert (stored.attributes, stored.select(None)) == ({"a": 2}, None)
    services.profiles.write(replace(fetched(services, {"b": 5}), fields=("b",)), stored)
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"a": 2, "b": 5}
    assert "attributes_key" not in item_of(services)


@EXAMPLES
@given(fetches=FETCHES, random=st.randoms(use_true_random=False))
def test_each_field_is_of_its_newest_fetch_in_s3_too(
    stage: Stage, fetches: list[Profile], random: random.Random
) -> None:
    """Profiles over the item's limit are kept field by field like others, in any order of arrival."""
    services = FetchServices(stage)
    services.clock.now = START
    who = customer(uuid4().hex)

    def big(one: Profile) -> Profile:
        attributes = one.attributes and {name: f"{value}" * 120_000 for name, value in one.attributes.items()}
        return replace(one, identifier=who, attributes=attributes)

    for one in random.sample(fetches, len(fetches)):
        services.profiles.write(big(one), services.profiles.read("default", [who]).get(who))
    stored, known = services.profiles.read("default", [who])[who], replay(map(big, fetches))
    for question in QUESTIONS:
        answer = stored.select(question)
        assert (answer and (answer.fetched_at, answer.attributes)) == known.answer(question)


def test_a_field_outlives_the_fetch_of_all(services: FetchServices) -> None:
    """When the fetch of all fields has expired, a newer one of few still answers for these, and the others are gone."""
    services.profiles.write(fetched(services, {"a": 1, "b": 2}), None)
    services.profiles.write(replace(fetched(services, {"a": 9}, after=5 * 24 * 3600), fields=("a",)), None)
    services.clock.now += 30 * 24 * 3600
    stored = services.profiles.read("default", [ALICE])[ALICE]
    assert (stored.attributes, stored.select(None), stored.select(("b",))) == ({"a": 9}, None, None)
    services.profiles.write(replace(fetched(services, {"c": 1}), fields=("c",)), stored)
    assert "b" not in item_of(services)["attributes"]["M"]
    services.clock.now += 5 * 24 * 3600
    assert services.profiles.read("default", [ALICE])[ALICE].attributes == {"c": 1}


def test_a_fetch_costs_one_write(services: FetchServices) -> None:
    """A fetch of some fields beside another of all is one request of DynamoDB's, as the first was."""
    calls: list[str] = []
    services.stage.dynamodb.meta.events.register("after-call.dynamodb", lambda model, **_: calls.append(model.name))
    services.profiles.write(fetched(services, {"a": 1, "b": 2}), None)
    seen = services.profiles.read("default", [ALICE])[ALICE]
    services.profiles.write(replace(fetched(services, {"a": 9}, after=5), fields=("a",)), seen)
    assert calls == ["PutItem", "GetItem", "PutItem"]


def test_expired_profiles_are_gone(services: FetchServices) -> None:
    """A profile past its retention is not read, whether or not DynamoDB has deleted it; a missing user goes sooner."""
    missing = customer("nobody")
    services.profiles.write(fetched(services, {"a": 1}), None)
    services.profiles.write(fetched(services, None, who=missing), None)
    assert set(services.profiles.read("default", [ALICE, missing])) == {ALICE, missing}
    services.clock.now += 24 * 3600
    assert set(services.profiles.read("default", [ALICE, missing])) == {ALICE}
    services.clock.now += 29 * 24 * 3600
    assert services.profiles.read("default", [ALICE, missing]) == {}


def test_workspaces_and_types_do_not_mix(services: FetchServices) -> None:
    """The same identifier in another workspace is another profile."""
    services.profiles.write(fetched(services, {"a": 1}), None)
    assert services.profiles.read("other", [ALICE]) == {}


def test_unprocessed_keys_are_read_again(services: FetchServices) -> None:
    """Keys that DynamoDB leaves unprocessed are requested again, none is dropped."""
    names = [customer(f"user-{number}") for number in range(150)]
    for name in names:
        services.profiles.write(fetched(services, {"n": name.identifier}, who=name), None)
    calls: list[int] = []

    def half(http_response: object, parsed: dict[str, object], **_: object) -> None:
        calls.append(1)
        if len(calls) % 2:
            table = services.stage.settings.profiles_table_name
            items = parsed["Responses"][table]  # type: ignore[index]  # botocore's parsed answer
            left = [{key: item[key] for key in ("identifier", "scope")} for item in items[1:]]
            parsed["Responses"][table] = items[:1]  # type: ignore[index]  # botocore's parsed answer
            parsed["UnprocessedKeys"] = {table: {"Keys": left}}

    services.stage.dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", half)
    assert set(services.profiles.read("default", names)) == set(names)
    assert len(calls) == 4
