"""JSON without loss: numbers are read as int or Decimal and written back digit for digit.

Text that UTF-8 cannot hold (a lone half of a surrogate pair, which JSON can escape) is written as its JSON escape.
"""

from __future__ import annotations

import hashlib
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import simplejson

from lookup.model import Json

INT_DIGITS = 4000  # Python refuses to read longer ints; a Decimal holds them as well
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # never rounds, however many digits


def loads(text: str | bytes) -> Json:
    """Read JSON. Raises `ValueError` on anything that is not JSON, NaN and Infinity included, or nests too deep."""
    try:
        value: Json = simplejson.loads(text, use_decimal=True, parse_int=_integer)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None
    return value


def dumps(value: object) -> bytes:
    """Write JSON as UTF-8 on one line."""
    text = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def fingerprint(value: Json) -> str:
    """Give the SHA-256 of a value's content: the same for 1, 1.0 and 1E0, and for any order of keys."""
    canonical = simplejson.loads(dumps(value), parse_int=_canonical, parse_float=_canonical)
    text = simplejson.dumps(canonical, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= INT_DIGITS else Decimal(digits)


def _canonical(number: str) -> simplejson.RawJSON:
    """Write a number in the one form that all its spellings share."""
    value = Decimal(number)
    return simplejson.RawJSON(str(value.normalize(_EXACT)) if value else "0")
