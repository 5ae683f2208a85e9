"""What a DynamoDB item can hold exactly, and the rest in S3."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings

from lookup import exact_json
from lookup.model import Attributes, Identifier, IdentifierType, Json
from lookup.results.oversize import Oversize, fits_item
from tests.lookup.json_values import attributes
from tests.lookup.stage import Stage

ALICE = Identifier(IdentifierType.CUSTOMER_ID, "Alice")

ITEM_LIMIT = 400 * 1024
PUTS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def nested(levels: int) -> Json:
    """Return a value of so many levels of lists and maps."""
    value: Json = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


FITTING: list[Json] = [
    nested(29), Decimal("1." + "2" * 37), 10**37, 10**37 + 1, Decimal("1E-130"), Decimal("-1E+37"), 0,
    Decimal("0.0"), "", "\0", "🎉", "\uffff", True, None, [], {}, [None, [{}]], "x" * 349_900, {"k" * 65_535: 1},
]  # fmt: skip


def test_what_fits(stage: Stage) -> None:
    """What DynamoDB holds exactly is kept in the item, and comes back equal."""
    for value in FITTING:
        assert fits_item({"value": value})
        assert put_and_read(stage, {"value": value}) == {"value": value}


@pytest.mark.parametrize(
    "value",
    [
        nested(30), nested(900), Decimal("1." + "2" * 38), 10**38, 10**40, 123456789 * 10**35, Decimal("1E+38"),
        Decimal("9E+126"), Decimal("1E-131"), Decimal("-1E-160"), Decimal("0E-200"), "\ud800", {"\udfff": 1}, {"": 1},
        [{"a": {"": 1}}],
        "x" * 350_000, "é" * 175_000, {"k" * 65_536: 1}, [[]] * 90_000, [7] * 120_000, [None] * 180_000,
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_does_not_fit(value: Json) -> None:
    """What is too big, too deep, too long a number, out of range, no text or without a name goes to S3."""
    assert not fits_item({"value": value})


def test_names_beside() -> None:
    """The names that the item holds beside the attributes count too."""
    value = {"value": "x" * 340_000}
    assert fits_item(value)
    assert fits_item(value, beside=["a" * 1000] * 9)
    assert not fits_item(value, beside=["a" * 1000] * 11)


def size_of(typed: Mapping[str, Any]) -> int:
    """Count the bytes of a value as AWS documents it ("Item sizes and formats")."""
    kind, value = next(iter(typed.items()))
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return (len(Decimal(value).normalize(Context(prec=40)).as_tuple().digits) + 1) // 2 + 1 + (Decimal(value) < 0)
    if kind == "L":
        return 3 + sum(1 + size_of(one) for one in value)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(one) for name, one in value.items())
    return 1


@pytest.mark.parametrize(
    "element", [[], {}, None, True, 7, -7, Decimal("1.25"), "", "x", "é", {"a": 1}, [None], 10**37 + 1], ids=repr
)
def test_size_is_never_underestimated(element: Json) -> None:
    """A list that would make the item too big for DynamoDB never fits, whatever it is made of; one of a third does."""
    of_one = 1 + size_of(TypeSerializer().serialize(element))
    assert not fits_item({"value": [element] * (ITEM_LIMIT // of_one)})
    assert fits_item({"value": [element] * (ITEM_LIMIT // of_one // 3)})


def put_and_read(stage: Stage, value: Attributes) -> object:
    key = {"identifier": {"S": "alice"}, "scope": {"S": "default#customer_id"}}
    table = stage.settings.profiles_table_name
    stage.dynamodb.put_item(TableName=table, Item={**key, "attributes": TypeSerializer().serialize(value)})
    item = stage.dynamodb.get_item(TableName=table, Key=key)["Item"]
    return TypeDeserializer().deserialize(item["attributes"])


@PUTS
@given(attributes())
@example({"value": Decimal("1E-130"), "other": Decimal(12345678901234567890123456789012345678)})
def test_whatever_fits_survives(stage: Stage, value: Attributes) -> None:
    """Whatever is reported to fit can be put into an item and is read back equal."""
    if fits_item(value):
        assert put_and_read(stage, value) == value


@pytest.fixture
def oversize(stage: Stage) -> Oversize:
    return Oversize(stage.s3, stage.settings.bucket_name, lambda _, one: one.identifier)


@PUTS
@given(value=attributes())
def test_whatever_does_not_fit_survives_in_s3(oversize: Oversize, value: Attributes) -> None:
    """Any attributes are read back from S3 with the same content."""
    read = oversize.read(oversize.write("default", ALICE, value))
    assert exact_json.dumps(read) == exact_json.dumps(value)


def test_a_big_profile(stage: Stage, oversize: Oversize) -> None:
    """A profile over DynamoDB's limit lies compressed under its owner and fingerprint, once for the same content."""
    value: Attributes = {"orders": [{"id": number, "total": Decimal("9.90")} for number in range(20_000)]}
    assert not fits_item(value)
    key = oversize.write("default", ALICE, value)
    assert key == f"oversize/workspace=default/Alice-{exact_json.fingerprint(value)}.json.gz"
    assert oversize.write("default", ALICE, dict(value)) == key
    assert oversize.read(key) == value
    assert stage.keys() == [key]
    body = stage.s3.get_object(Bucket=stage.settings.bucket_name, Key=key)["Body"].read()
    assert gzip.decompress(body) == exact_json.dumps(value)
    assert len(body) < len(exact_json.dumps(value)) / 4


def test_gone(oversize: Oversize) -> None:
    """Attributes whose object has expired raise S3's own error."""
    with pytest.raises(ClientError, match="NoSuchKey"):
        oversize.read("oversize/workspace=default/gone.json.gz")


def test_not_attributes(stage: Stage, oversize: Oversize) -> None:
    """An object that holds something else is not taken for attributes."""
    stage.s3.put_object(Bucket=stage.settings.bucket_name, Key="odd", Body=gzip.compress(b"[]"))
    with pytest.raises(TypeError, match="odd does not hold attributes"):
        oversize.read("odd")
