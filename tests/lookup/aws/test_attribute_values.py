"""DynamoDB's typed JSON is written and read as boto3 writes and reads it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from lookup.aws.attribute_values import from_typed, to_typed


class Word(StrEnum):
    ONE = "one"


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_values_are_written_as_boto3_writes_them(value: Any) -> None:
    """Any JSON value has boto3's form and reads back as boto3 reads it; what boto3 refuses is refused."""
    try:
        expected = TypeSerializer().serialize(value)
    except ArithmeticError:
        with pytest.raises(ArithmeticError):
            to_typed(value)
        return
    assert to_typed(value) == expected
    again = from_typed(expected)
    assert again == TypeDeserializer().deserialize(expected)
    assert repr(again) == repr(TypeDeserializer().deserialize(expected))


@pytest.mark.parametrize(
    "value", [Word.ONE, MappingProxyType({"a": (1, True)}), 10**38 - 1, -(10**37), Decimal("1E+2")]
)
def test_kinds_of_values_are_those_they_stand_for(value: object) -> None:
    """Subclasses and other mappings are written as boto3 writes them."""
    assert to_typed(value) == TypeSerializer().serialize(value)


@pytest.mark.parametrize("value", [{1, Decimal("2.5")}, {"a", "b"}, frozenset({7})])
def test_sets_are_those_of_boto3(value: set[Any]) -> None:
    """Sets of numbers and of texts are written and read back."""
    written: dict[str, Any] = to_typed(value)
    expected: Any = TypeSerializer().serialize(value)
    assert written.keys() == expected.keys()
    assert [sorted(members) for members in written.values()] == [sorted(members) for members in expected.values()]
    assert from_typed(written) == TypeDeserializer().deserialize(expected) == value


@pytest.mark.parametrize(
    "value", [1.5, set(), {1, "a"}, {None}, b"bytes", object(), Decimal("NaN"), Decimal("Infinity")]
)
def test_what_has_no_type_is_refused(value: object) -> None:
    """A float would lose digits; bytes, mixed and empty sets and no numbers are not stored."""
    with pytest.raises(TypeError):
        to_typed(value)


def test_types_that_are_not_used_are_refused() -> None:
    """Binary values in an item are none of this service's."""
    with pytest.raises(TypeError, match="BS"):
        from_typed({"BS": [b"a"]})
