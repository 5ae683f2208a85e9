"""JSON of which a part cannot be read: what is no number is marked where it stands, and the rest is read as ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

import simplejson

from lookup import exact_json
from lookup.model import Json

# Powers of ten. A number beyond them is a defect of whoever wrote it: readers of ours would make it an infinity or a
# zero, or write out its digits. Digits that are all there are kept, however many.
MAGNITUDE = 4000
EXACT_FLOAT = 2**53  # up to here a floating-point number names one whole number only


class Spoilt(str):
    """Stands where something cannot be read."""

    __slots__ = ()


SPOILT = Spoilt()


def loads(text: str | bytes) -> Json:
    """Read JSON as `wire.loads` does, with `SPOILT` for NaN, an infinity, or a number out of all bounds.

    Raises `ValueError` on anything else that is not JSON, or nests too deep.
    """
    try:
        value: Json = simplejson.loads(
            text, allow_nan=True, parse_constant=lambda _: SPOILT, parse_float=_number, parse_int=exact_json.integer
        )
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None
    return value


def is_spoilt(value: Json) -> bool:
    """Return whether anything in it could not be read."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Spoilt):
            return True
        if isinstance(one, Mapping):
            pending += one.values()
        elif isinstance(one, Sequence) and not isinstance(one, str):
            pending += one
    return False


def spelled(value: Json) -> tuple[str, ...]:
    """Return the identifiers that a value may be, as it is written first: 12345.0 is 12345 too, 12345.5 is none.

    Nor is a whole number with a point or an exponent that floating point cannot tell from its neighbours: it may be
    somebody else's.
    """
    if isinstance(value, Spoilt | bool):
        return ()
    if isinstance(value, str | int):
        return (str(value),)
    if not isinstance(value, Decimal) or value.copy_abs() > EXACT_FLOAT or value != value.to_integral_value():
        return ()
    return (str(value), str(int(value)))


def _number(digits: str) -> Decimal | Spoilt:
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return SPOILT
    return value if not value or abs(value.adjusted()) <= MAGNITUDE else SPOILT
