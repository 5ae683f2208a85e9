"""JSON without loss: numbers are read as int or Decimal and written back digit for digit.

Text that UTF-8 cannot hold (a lone half of a surrogate pair, which JSON can escape) is written as its JSON escape.
"""

from __future__ import annotations

import hashlib
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import simplejson

from lookup.model import Json

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # never rounds, however many digits


def loads(text: str | bytes) -> Json:
    """Read JSON. Raises `ValueError` on anything that is not JSON, NaN and Infinity included."""
    value: Json = simplejson.loads(text, use_decimal=True)
    return value


def dumps(value: object) -> bytes:
    """Write JSON as UTF-8 on one line."""
    text = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def fingerprint(value: Json) -> str:
    """Give the SHA-256 of a value's content: the same for 1, 1.0 and 1E0, and for any order of keys."""
    text = simplejson.dumps(_canonical(value), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Json) -> object:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        return ["number", str(Decimal(value).normalize(_EXACT))]
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    return [_canonical(inner) for inner in value]
