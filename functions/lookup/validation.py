"""Validation of input: parsed identifiers, or `InvalidIdentifier` with the broken rule.

Invalid identifiers are never sent: they would cost quota and could match an unrelated junk record.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, InvalidIdentifier

IDENTIFIER_LENGTH = 512
MAX_AGE_LIMIT = 366 * 24 * 3600
FIELDS_LIMIT = 500
FIELDS_BYTES = 64 * 1024  # written as JSON: the vendor's body takes 128 KB with the identifiers, a queue message 1 MiB
CONTROL = "control characters"
# The rules that an identifier may break: its outcome's reason.
WRONG_TYPE = "identifier_type must be customer_id, id or moengage_id"
NO_STRING = "identifier must be a string"
EMPTY = "identifier must not be empty"
TOO_LONG = f"identifier must have at most {IDENTIFIER_LENGTH} characters"
HOLDS_CONTROL = f"identifier must not hold {CONTROL}"
BLOCKED = "identifier is a value that MoEngage blocks as a customer_id"
EXCERPT_LENGTH = 200  # characters of an invalid value that its outcome repeats

# Values that MoEngage never accepts as a customer id (its documentation of blocked unique ids).
BLOCKED_CUSTOMER_IDS = frozenset(
    {"unknown", "guest", "null", "none", "true", "false", "na", "n/a", "(empty)", "-2", "-1", "0", "1", "2"}
    | {"user_attribute_unique_id", "dummy_seller_code", "user_id", "id", "customer_id", "uid", "userid"}
)
SPELLINGS = {"customer_id": IdentifierType.CUSTOMER_ID, "id": IdentifierType.ID, "moengage_id": IdentifierType.ID}
ParsedIdentifier = Identifier | InvalidIdentifier
IDENTIFIER_KEYS = {"identifier_type", "identifier"}


def parse_identifier_strictly(raw: object) -> ParsedIdentifier:
    """Parse as `parse_identifier`, but refuse other keys: a misspelt `identifier_type` must not be ignored."""
    if not isinstance(raw, Mapping):
        return parse_identifier(raw)
    unknown = sorted(set(raw) - IDENTIFIER_KEYS)
    if unknown:
        rule = f"{excerpt(unknown[0])!r} is unknown: an identifier has identifier_type and identifier"
        return InvalidIdentifier(excerpt(raw.get("identifier", raw)), rule)
    return parse_identifier(raw)


def parse_identifier(raw: object, *, line: int | None = None) -> ParsedIdentifier:
    """Parse one identifier: a string (a customer id) or `{"identifier_type", "identifier"}`."""
    if isinstance(raw, Mapping):
        return parse_typed_identifier(raw.get("identifier_type", "customer_id"), raw.get("identifier"), line)
    return parse_typed_identifier("customer_id", raw, line)


def parse_typed_identifier(spelling: object, value: object, line: int | None) -> ParsedIdentifier:
    """Return the identifier of the type that is spelt so, or the rule that it breaks."""
    kind = SPELLINGS.get(spelling) if isinstance(spelling, str) else None
    reason = WRONG_TYPE if kind is None else _broken_rule(kind, value)
    if kind is not None and reason is None and isinstance(value, str):
        return Identifier(kind, value)
    return InvalidIdentifier(excerpt(value), reason or NO_STRING, excerpt(spelling), line)


def _broken_rule(kind: IdentifierType, value: object) -> str | None:
    if not isinstance(value, str):
        return NO_STRING
    if not value.strip():
        return EMPTY
    if len(value) > IDENTIFIER_LENGTH:
        return TOO_LONG
    if holds_control(value):
        return HOLDS_CONTROL
    if kind is IdentifierType.CUSTOMER_ID and (len(value) == 1 or value in BLOCKED_CUSTOMER_IDS):
        return BLOCKED
    return None


def excerpt(value: object) -> str:
    """Return the beginning of an invalid value, as its outcome repeats it."""
    text = value if isinstance(value, str) else _written(value)
    return text.encode("utf-8", "backslashreplace").decode()[:EXCERPT_LENGTH]


def _written(value: object) -> str:
    try:
        return exact_json.dumps(value).decode()
    except (ValueError, RecursionError):  # not JSON, or nested too deep
        return type(value).__name__


def holds_control(text: str) -> bool:
    """Return whether a text holds control characters, line separators, byte order marks or lone surrogates."""
    return any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} or one == "\ufeff" for one in text)


def partition(items: Sequence[ParsedIdentifier]) -> tuple[tuple[Identifier, ...], tuple[InvalidIdentifier, ...]]:
    """Return the valid and the invalid identifiers, each in the order given."""
    usable = tuple(item for item in items if isinstance(item, Identifier))
    return usable, tuple(item for item in items if isinstance(item, InvalidIdentifier))


def places_of_invalid(items: Sequence[ParsedIdentifier]) -> tuple[int, ...]:
    """Return of each invalid identifier how many valid ones come before it."""
    places, usable = list[int](), 0
    for item in items:
        if isinstance(item, Identifier):
            usable += 1
        else:
            places.append(usable)
    return tuple(places)


def optional_text(body: Mapping[str, object], key: str) -> str | None:
    """Return an optional short text. Raises `InvalidInput` when it is something else."""
    value = body.get(key)
    if value is None:
        return None
    if not _is_text(value):
        raise InvalidInput(key, f"must be a text of 1 to {IDENTIFIER_LENGTH} characters, no control characters")
    return value


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= IDENTIFIER_LENGTH and not holds_control(value)


def parse_max_age(body: Mapping[str, object]) -> float:
    """Return `max_age` in seconds, 0 when absent. Raises `InvalidInput` when it is no number of 0 or more."""
    value = body.get("max_age")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_AGE_LIMIT:
        raise InvalidInput("max_age", f"must be a whole number of seconds from 0 to {MAX_AGE_LIMIT}")
    return float(value)


def parse_fields(body: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return `fields`, the requested user attributes; None means all. Raises `InvalidInput` when malformed."""
    value = body.get("fields")
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= FIELDS_LIMIT or not all(map(_is_text, value)):
        raise InvalidInput("fields", f"must be a list of 1 to {FIELDS_LIMIT} attribute names")
    if len(exact_json.dumps(value)) > FIELDS_BYTES:
        raise InvalidInput("fields", f"must have at most {FIELDS_BYTES} bytes")
    return tuple(sorted(set(value)))
