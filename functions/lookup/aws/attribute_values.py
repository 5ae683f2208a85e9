"""DynamoDB's typed JSON, read and written as boto3 does (boto3/dynamodb/types.py), which costs a start 50 ms.

Without binary values: this service stores none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

# Amazon DynamoDB Developer Guide, "Supported data types", Number: 38 digits, 1E-130 to 9.99E+125. It never rounds.
NUMBERS = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
_EXACT_INT = 10**38  # from here on a whole number may need more digits than DynamoDB holds
Typed = dict[str, Any]  # one value: {"S": "text"}


def to_typed(value: object) -> Typed:
    """Return a JSON value as DynamoDB's. Raises `TypeError`, or `ArithmeticError` for a number of too many digits."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    return _written_as_base(value)


def from_typed(typed: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Return DynamoDB's value as JSON; every number is a `Decimal`. Raises `TypeError` for another type."""
    for kind, value in typed.items():
        read = _READERS.get(kind)
        if read is not None:
            return read(value)
    raise TypeError(f"DynamoDB's types {sorted(typed)} are not used")


def _written_as_base(value: object) -> Typed:
    """Write a subclass, or another kind of mapping, as what it stands for."""
    if isinstance(value, Mapping):
        return _map(value)
    for base, write in _WRITERS.items():
        if isinstance(value, base):
            return write(value)
    raise TypeError(f"a {type(value).__name__} has no type in DynamoDB")


def _number(value: Decimal) -> Typed:
    number = NUMBERS.create_decimal(value)
    if not number.is_finite():
        raise TypeError("infinities and NaN have no type in DynamoDB")
    return {"N": str(number)}


def _int(value: int) -> Typed:
    return {"N": str(value)} if -_EXACT_INT < value < _EXACT_INT else _number(Decimal(value))


def _map(value: Mapping[str, object]) -> Typed:
    return {"M": {name: to_typed(one) for name, one in value.items()}}


def _list(value: list[object] | tuple[object, ...]) -> Typed:
    return {"L": [to_typed(one) for one in value]}


def _set(value: AbstractSet[object]) -> Typed:
    written = [to_typed(one) for one in value]
    kinds = {kind for one in written for kind in one}
    if len(kinds) != 1 or not kinds <= {"S", "N"}:
        raise TypeError("a set holds texts or numbers")
    (kind,) = kinds
    return {f"{kind}S": [one[kind] for one in written]}


# By type; `bool` before `int`, whose subclass it is.
_WRITERS: Mapping[type, Callable[[Any], Typed]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},
    int: _int,
    Decimal: _number,
    dict: _map,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    type(None): lambda _: {"NULL": True},
}
# Most values are texts: those of maps and lists are read without a call for each.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "S": lambda value: value,
    "N": NUMBERS.create_decimal,
    "BOOL": lambda value: value,
    "NULL": lambda _: None,
    "M": lambda value: {name: one["S"] if "S" in one else from_typed(one) for name, one in value.items()},
    "L": lambda value: [one["S"] if "S" in one else from_typed(one) for one in value],
    "SS": set,
    "NS": lambda value: set(map(NUMBERS.create_decimal, value)),
}
