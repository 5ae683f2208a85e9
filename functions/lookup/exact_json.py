"""JSON without loss: numbers are read as int or Decimal and written back digit for digit.

Text that UTF-8 cannot hold (half of a surrogate pair, which JSON can escape) is written as its JSON escape, which
DuckDB, jq and UTF-8 decoders refuse. For those readers use `well_formed` and `dumps_well_formed`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import simplejson

from lookup.model import Json

INT_DIGITS = 4000  # Python refuses to read longer ints; a Decimal holds them as well
REPLACEMENT = "\ufffd"
_HALF = re.compile("[\ud800-\udfff]")
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # never rounds, however many digits


def loads(text: str | bytes) -> Json:
    """Read JSON. Raises `ValueError` on anything that is not JSON, NaN and Infinity included, or nests too deep."""
    try:
        value: Json = simplejson.loads(text, use_decimal=True, parse_int=integer)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None
    return value


class RepeatedKey(ValueError):
    """An object has `key` twice. The error's text does not repeat the key, for it is the sender's."""

    def __init__(self, key: str) -> None:
        super().__init__("a key occurs twice in one object")
        self.key = key


def loads_unique(text: str | bytes) -> Json:
    """Read JSON from outside. Raises `RepeatedKey` when an object has a key twice (RFC 8259 leaves open which counts).

    A byte order mark is dropped. Raises as `loads` does otherwise.
    """
    try:
        value: Json = simplejson.loads(text, use_decimal=True, parse_int=integer, object_pairs_hook=_unique)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None
    return value


def _unique(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    read = dict(pairs)
    if len(read) < len(pairs):
        seen = set[str]()
        raise RepeatedKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]  # None
    return read


def dumps(value: object) -> bytes:
    """Write JSON as UTF-8 on one line."""
    return _text(value).encode("utf-8", "backslashreplace")


def dumps_well_formed(value: object) -> bytes:
    """Write JSON as UTF-8 on one line for other readers: halves of surrogate pairs as U+FFFD."""
    text = _text(value)
    return (text if text.isascii() else _HALF.sub(REPLACEMENT, text)).encode()


def well_formed(attributes: Mapping[str, Json]) -> tuple[Mapping[str, Json], tuple[str, ...]]:
    """Return attributes with U+FFFD for every half of a surrogate pair, and the names of those that held any.

    It applies to names too, at any depth. A name that becomes equal to another of its object gets one more U+FFFD.
    """
    if _HALF.search(_text(attributes)) is None:
        return attributes, ()
    held = [(name, _HALF.search(_text({name: value})) is not None) for name, value in attributes.items()]
    names = sorted(held, key=lambda one: _HALF.search(one[0]) is not None)  # a well-formed name is kept
    text = _HALF.sub(REPLACEMENT, _text({name: attributes[name] for name, _ in names}))
    written: dict[str, Json] = simplejson.loads(
        text, use_decimal=True, parse_int=integer, object_pairs_hook=_with_every_name
    )
    return written, tuple(sorted(new for new, (_, is_held) in zip(written, names, strict=True) if is_held))


def _with_every_name(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    whole: dict[str, Json] = {}
    for name, value in pairs:
        free = name
        while free in whole:
            free += REPLACEMENT
        whole[free] = value
    return whole


def _text(value: object) -> str:
    text: str = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))
    return text


def fingerprint(value: Json) -> str:
    """Return the SHA-256 of a value's content: the same for 1, 1.0 and 1E0, and for any order of keys."""
    canonical = simplejson.loads(dumps(value), parse_int=_canonical, parse_float=_canonical)
    text = simplejson.dumps(canonical, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def integer(digits: str) -> int | Decimal:
    """Return a whole number, digit for digit."""
    return int(digits) if len(digits) <= INT_DIGITS else Decimal(digits)


def _canonical(number: str) -> simplejson.RawJSON:
    """Write a number in the one form that all its spellings share."""
    value = Decimal(number)
    return simplejson.RawJSON(str(value.normalize(_EXACT)) if value else "0")
