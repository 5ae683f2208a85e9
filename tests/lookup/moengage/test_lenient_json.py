"""JSON with what is no number in it: read as ever, but for that."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from lookup import exact_json
from lookup.model import Json
from lookup.moengage.lenient_json import UNREADABLE, is_unreadable, loads, spellings_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES)
def test_what_is_whole_is_read_as_ever(value: Json) -> None:
    """Without anything spoilt every value is what `wire.loads` reads."""
    text = exact_json.dumps(value)
    assert loads(text) == exact_json.loads(text)
    assert not is_unreadable(loads(text))


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e999999", "-1E+4001", "1e-999999", "1e99999999999999999999"]
)
def test_what_is_no_number_is_marked_in_its_place(text: str) -> None:
    """NaN, infinities and numbers out of all bounds are marked, however deep; nothing beside them changes."""
    read = loads(f'{{"a": [1, {{"b": {text}}}], "c": "NaN"}}')
    assert read == {"a": [1, {"b": UNREADABLE}], "c": "NaN"}
    assert is_unreadable(read)
    assert not is_unreadable({"c": "NaN", "d": ""})


@pytest.mark.parametrize(
    "digits", ["9" * 400, "-" + "1" * 4000, "1" * 9000, "0." + "3" * 400, "1." + "5" * 5000, "1E+400", "0e999999"]
)
def test_digits_that_are_all_there_are_kept(digits: str) -> None:
    """However many digits a number has, it is read exactly and written back digit for digit."""
    read = loads(f"[{digits}]")
    assert isinstance(read, list)
    assert Decimal(str(read[0]) if isinstance(read[0], int) and abs(read[0]) < 10**4000 else read[0]) == Decimal(digits)
    assert simplejson.loads(exact_json.dumps(read), parse_float=str, parse_int=str)[0].lower() in {
        digits.lower(),
        "0e+999999",
    }


@pytest.mark.parametrize("text", ["", "{", '{"a": }', "[1,]", "nul", "\ufeff{", b"\xff", "[" * 100_000])
def test_the_rest_is_no_json(text: str | bytes) -> None:
    """Everything else that is not JSON is refused as such, nesting without end included."""
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("C-1", ("C-1",)),
        ("12345.0", ("12345.0",)),
        (12345, ("12345",)),
        (Decimal("12345.0"), ("12345.0", "12345")),
        (Decimal("1.2345E4"), ("12345", "12345")),
        (Decimal("1.2345E+4"), ("12345", "12345")),
        (Decimal("9007199254740992.0"), ("9007199254740992.0", "9007199254740992")),
        (Decimal("9007199254740993.0"), ()),
        (Decimal("1E+400"), ()),
        (Decimal("12345.5"), ()),
        (12345678901234567890, ("12345678901234567890",)),
        (True, ()),
        (None, ()),
        (["C-1"], ()),
        ({"C-1": 1}, ()),
        (UNREADABLE, ()),
    ],
    ids=str,
)
def test_spellings(value: Json, names: tuple[str, ...]) -> None:
    """A whole number with a point is the identifier without it too, as long as floating point is exact."""
    assert spellings_of(value) == names


def test_spelling_an_absurd_number_costs_nothing() -> None:
    """An exponent never becomes as many digits."""
    started = time.process_time()
    assert spellings_of(Decimal("1E+99999999")) == ()
    assert time.process_time() - started < 5
