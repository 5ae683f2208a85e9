"""JSON without loss."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.model import Json
from tests.lookup.json_values import values


def exactly(value: Json) -> object:
    """Distinguish what Python calls equal: True from 1, and 1.0 from 1.00."""
    if isinstance(value, Mapping):
        return {key: exactly(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [exactly(inner) for inner in value]
    return type(value).__name__, str(value) if isinstance(value, Decimal) else value


def respelled(value: Json, seed: random.Random) -> Json:
    """Write the same content in another way: keys in another order, numbers with other zeros."""
    if isinstance(value, Mapping):
        keys = seed.sample(list(value), len(value))
        return {key: respelled(value[key], seed) for key in keys}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [respelled(inner, seed) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    sign, digits, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int)
    return Decimal((sign, (*digits, 0, 0), exponent - 2))


@given(values())
def test_round_trip(value: Json) -> None:
    """Whatever JSON is written is read back digit for digit and character for character, on one line of UTF-8."""
    written = exact_json.dumps(value)
    assert exactly(exact_json.loads(written)) == exactly(value)
    assert exactly(exact_json.loads(written.decode())) == exactly(value)
    assert len(written.splitlines()) == 1


@pytest.mark.parametrize("digits", ["9" * 4000, "9" * 5000, "-" + "8" * 6000])
def test_integers_of_any_length(digits: str) -> None:
    """An integer longer than Python's own limit survives all the same."""
    read = exact_json.loads(f'{{"points": {digits}}}')
    assert exact_json.dumps(read) == f'{{"points":{digits}}}'.encode()
    assert len(exact_json.fingerprint(read)) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "nan",
        "1,",
        "[" * 100_000,
        b'"\xff"',
        "1e9999999999999999999999",
    ],
    ids=lambda text: repr(text)[:16],
)
def test_unreadable(text: str | bytes) -> None:
    """What is no JSON, a number that is none, and nesting without end are one kind of error: ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        exact_json.loads(text)


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN"), Decimal("Infinity"), float("-inf")], ids=str)
def test_unwritable(value: float | Decimal) -> None:
    """NaN and Infinity are never written: no other reader takes them."""
    with pytest.raises(ValueError, match=r"JSON compliant"):
        exact_json.dumps({"value": value})


@given(values(), st.randoms(use_true_random=False))
def test_same_content_same_fingerprint(value: Json, seed: random.Random) -> None:
    """The order of keys and the spelling of numbers do not change a fingerprint."""
    assert exact_json.fingerprint(respelled(value, seed)) == exact_json.fingerprint(value)


def canonical(value: Json) -> str:
    """Describe content as a text: equal exactly for equal content."""
    if isinstance(value, Mapping):
        return "{" + ",".join(json.dumps(key) + canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value)
    return f"number {Decimal(value).as_integer_ratio()}"


@given(values(), values())
def test_other_content_other_fingerprint(one: Json, other: Json) -> None:
    """Two values have one fingerprint exactly when their content is the same."""
    assert (exact_json.fingerprint(one) == exact_json.fingerprint(other)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    "group",
    [
        [1, Decimal("1.0"), Decimal("1E0"), Decimal("0.1E+1")],
        [0, Decimal("-0.0"), Decimal("0E+9")],
        [10**50, Decimal("1E50")],
        [Decimal("0.1"), Decimal("0.10")],
        ["1"],
        [True],
        [None],
        [[]],
        [{}],
        [["number", "1"]],
        [Decimal("1." + "0" * 60 + "1")],
        ["\ud800"],
        [{"a": 1, "b": [2]}, {"b": [Decimal("2.0")], "a": Decimal("1.00")}],
    ],
    ids=str,
)
def test_fingerprints_of_look_alikes(group: list[Json]) -> None:
    """One content in several spellings has one fingerprint, and shares it with no look-alike of another type."""
    others: list[Json] = [2, "0", False, "", "null", [None], [[[]]], {"": {}}, ["number", 1], [1], Decimal("0.01")]
    assert len({exact_json.fingerprint(value) for value in group}) == 1
    assert exact_json.fingerprint(group[0]) not in {exact_json.fingerprint(value) for value in others}


def test_deep_nesting() -> None:
    """Whatever depth can be read can be written and fingerprinted too."""
    read = exact_json.loads("[" * 700 + "]" * 700)
    assert exact_json.dumps(read) == b"[" * 700 + b"]" * 700
    assert len(exact_json.fingerprint(read)) == 64


@pytest.mark.parametrize(
    ("text", "key"),
    [('{"a": 1, "a": 1}', "a"), ('[{"b": {"c": 1, "d": 2, "c": 3}}]', "c"), ('{"\\u0061": 1, "b": 2, "a": 3}', "a")],
)
def test_a_key_twice_is_named(text: str, key: str) -> None:
    """Of what somebody sends no key may occur twice in an object: which one counts would be a guess."""
    with pytest.raises(exact_json.RepeatedKey, match=r"^a key occurs twice in one object$") as caught:
        exact_json.loads_unique(text)
    assert caught.value.key == key


@pytest.mark.parametrize("text", ['{"a": [1.50, {"b": null}], "c": {"a": 1}}', '\ufeff["C-1"]', "12345678901234567890"])
def test_without_a_key_twice_the_same_is_read(text: str) -> None:
    """Digits stay as they are, a key may be in several objects, and a byte order mark before it does not matter."""
    assert exactly(exact_json.loads_unique(text)) == exactly(exact_json.loads(text))


def test_what_nests_too_deep_for_unique_keys() -> None:
    """It is refused as everywhere, not an end of the process."""
    with pytest.raises(ValueError, match="RecursionError"):
        exact_json.loads_unique("[" * 100_000)
