"""JSON of which a part may be unreadable: numbers that are none are marked in place, the rest is parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

import simplejson

from lookup import exact_json
from lookup.model import Json

# Powers of ten. A number beyond them is a defect of its writer: other readers would make it an infinity or a zero, or
# expand its digits. Written digits are all kept, however many.
MAGNITUDE = 4000
EXACT_FLOAT = 2**53  # up to here a double stands for one whole number only


class Unreadable(str):
    """The placeholder of an unreadable value."""

    __slots__ = ()


UNREADABLE = Unreadable()


def loads(text: str | bytes) -> Json:
    """Read JSON as `exact_json.loads`, with `UNREADABLE` for NaN, an infinity, or a number beyond `MAGNITUDE`.

    Raises `ValueError` on anything else that is not JSON, or nests too deep.
    """
    try:
        value: Json = simplejson.loads(
            text, allow_nan=True, parse_constant=lambda _: UNREADABLE, parse_float=_number, parse_int=exact_json.integer
        )
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None
    return value


def is_unreadable(value: Json) -> bool:
    """Return whether a value holds an unreadable one at any depth."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Unreadable):
            return True
        if isinstance(one, Mapping):
            pending += one.values()
        elif isinstance(one, Sequence) and not isinstance(one, str):
            pending += one
    return False


def spellings_of(value: Json) -> tuple[str, ...]:
    """Return the identifiers that a value may stand for, as written first: 12345.0 is 12345 too, 12345.5 is none.

    A whole number with a point or an exponent that a double cannot tell from its neighbours is none: it may be another
    user's.
    """
    if isinstance(value, Unreadable | bool):
        return ()
    if isinstance(value, str | int):
        return (str(value),)
    if not isinstance(value, Decimal) or value.copy_abs() > EXACT_FLOAT or value != value.to_integral_value():
        return ()
    return (str(value), str(int(value)))


def _number(digits: str) -> Decimal | Unreadable:
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return UNREADABLE
    return value if not value or abs(value.adjusted()) <= MAGNITUDE else UNREADABLE
