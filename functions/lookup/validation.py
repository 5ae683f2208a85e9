"""What callers hand us, made into identifiers, or into `Invalid` with the rule that it breaks.

Nothing invalid is ever sent: it would cost quota and could match another company's junk record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.model import PART_LIMIT, Identifier, IdentifierType, Invalid, Part, timestamp
from lookup.rosters.formats.columns import EXPECTED, columns_of, meaning_of
from lookup.rosters.formats.signatures import CONTROL, holds_control, structure

IDENTIFIER_LENGTH = 512
MAX_AGE_LIMIT = 366 * 24 * 3600
FIELDS_LIMIT = 500
FIELDS_BYTES = 64 * 1024  # written as JSON: the vendor's body takes 128 KB with the identifiers, a queue message 1 MiB
TEXT_KEPT = 200  # characters of an unusable value that its outcome repeats

# Values that MoEngage never accepts as a customer id (its documentation of blocked unique ids).
BLOCKED_CUSTOMER_IDS = frozenset(
    {"unknown", "guest", "null", "none", "true", "false", "na", "n/a", "(empty)", "-2", "-1", "0", "1", "2"}
    | {"user_attribute_unique_id", "dummy_seller_code", "user_id", "id", "customer_id", "uid", "userid"}
)
SPELLINGS = {
    "customer_id": IdentifierType.CUSTOMER_ID,
    "id": IdentifierType.ID,
    "moengage_id": IdentifierType.ID,
}
Entry = Identifier | Invalid
IDENTIFIER_KEYS = {"identifier_type", "identifier"}
JSON_STRING = re.compile(r'\s*"([^"\\]|\\.)*"\s*')
MESSAGE_KEYS = {"identifiers", "identifier", "identifier_type", "workspace", "fields", "max_age", "correlation_id"}


def identify_one(raw: object) -> Entry:
    """Read one as `identify` does, but with no other key: a misspelt `identifier_type` must not be ignored."""
    if not isinstance(raw, Mapping):
        return identify(raw)
    unknown = sorted(set(raw) - IDENTIFIER_KEYS)
    if unknown:
        rule = f"{_excerpt(unknown[0])!r} is unknown: an identifier has identifier_type and identifier"
        return Invalid(_excerpt(raw.get("identifier", raw)), rule)
    return identify(raw)


def identify(raw: object, *, line: int | None = None) -> Entry:
    """Read one identifier: a string (a customer id) or `{"identifier_type", "identifier"}`."""
    if isinstance(raw, Mapping):
        return _typed(raw.get("identifier_type", "customer_id"), raw.get("identifier"), line)
    return _typed("customer_id", raw, line)


def identify_object(raw: object, *, line: int | None = None) -> Entry:
    """Read one as `identify` does, or an object with a key that names the type: `{"customer_id": "C-1"}`."""
    if not isinstance(raw, Mapping):
        return identify(raw, line=line)
    names = list(raw)
    try:
        columns = columns_of(names, "this entry")
    except InvalidInput:
        return Invalid(_excerpt(raw), f"entry has more than one key that is known as {EXPECTED}", line=line)
    if columns is None:
        return Invalid(_excerpt(raw), f"entry has no key {EXPECTED}", line=line)
    spelling = columns.identifier_type if columns.type_at is None else raw[names[columns.type_at]]
    return _typed(spelling, raw[names[columns.at]], line)


def _typed(spelling: object, value: object, line: int | None) -> Entry:
    kind = SPELLINGS.get(spelling) if isinstance(spelling, str) else None
    reason = "identifier_type must be customer_id, id or moengage_id" if kind is None else _broken_rule(kind, value)
    if kind is not None and reason is None and isinstance(value, str):
        return Identifier(kind, value)
    return Invalid(_excerpt(value), reason or "identifier must be a string", _excerpt(spelling), line)


def _broken_rule(kind: IdentifierType, value: object) -> str | None:
    if not isinstance(value, str):
        return "identifier must be a string"
    if not value.strip():
        return "identifier must not be empty"
    if len(value) > IDENTIFIER_LENGTH:
        return f"identifier must have at most {IDENTIFIER_LENGTH} characters"
    if holds_control(value):
        return "identifier must not hold control characters"
    if kind is IdentifierType.CUSTOMER_ID and (len(value) == 1 or value in BLOCKED_CUSTOMER_IDS):
        return "identifier is a value that MoEngage blocks as a customer_id"
    return None


def _excerpt(value: object) -> str:
    text = value if isinstance(value, str) else _written(value)
    return text.encode("utf-8", "backslashreplace").decode()[:TEXT_KEPT]


def _written(value: object) -> str:
    try:
        return exact_json.dumps(value).decode()
    except (ValueError, RecursionError):  # it is no JSON, or nests deeper than can be written
        return type(value).__name__


def sorted_out(items: Sequence[Entry]) -> tuple[tuple[Identifier, ...], tuple[Invalid, ...]]:
    """Part the usable from the unusable, each in the order given."""
    usable = tuple(item for item in items if isinstance(item, Identifier))
    return usable, tuple(item for item in items if isinstance(item, Invalid))


def read_message(body: str, *, message_id: str, sent_at: float, default_workspace: str) -> Part:
    """Read one message of the intake queue: plain text (a customer id), a JSON list, or the documented object.

    Raises `InvalidInput` when the message as a whole cannot be read.
    """
    order = _order(body)
    raw = order.get("identifiers", [order] if "identifier" in order else None)
    if not isinstance(raw, list) or not 1 <= len(raw) <= PART_LIMIT:
        raise InvalidInput("identifiers", f"must be a list of 1 to {PART_LIMIT} identifiers")
    usable, invalid = sorted_out([identify_object(item) for item in raw])
    return Part(
        lookup_id=_standing_lookup(sent_at),
        number=message_id,
        workspace=text(order, "workspace") or default_workspace,
        identifiers=usable,
        invalid=invalid,
        submitted_at=sent_at,
        fed_at=sent_at,
        max_age=max_age(order),
        fields=field_names(order),
        correlation_id=text(order, "correlation_id"),
    )


def _order(body: str) -> Mapping[str, object]:
    text = body.lstrip("\ufeff")
    if JSON_STRING.fullmatch(text) or text.lstrip().startswith(("{", "[")):
        return _json_order(text)
    plain = text.strip("\r\n")
    shown = "a column's name" if meaning_of(plain) and plain not in BLOCKED_CUSTOMER_IDS else structure(plain)
    if shown not in (None, CONTROL):  # those are a rule of identifiers
        raise InvalidInput("body", f"shows {shown}: plain text is one customer id, anything else is JSON")
    return {"identifiers": [plain]}


def _json_order(text: str) -> Mapping[str, object]:
    try:
        read = exact_json.loads_unique(text)
    except exact_json.RepeatedKey:
        raise InvalidInput("body", "holds a key that occurs twice in one object") from None
    except ValueError as error:
        raise InvalidInput("body", "starts like JSON but is not readable as JSON") from error
    if isinstance(read, str):
        if _is_json_again(read):
            raise InvalidInput("body", "is JSON within a JSON string: it was written as JSON twice")
        return {"identifiers": [read]}
    if isinstance(read, list):
        return {"identifiers": read}
    unknown = sorted(set(read) - MESSAGE_KEYS) if isinstance(read, dict) else []
    if unknown:
        raise InvalidInput("body", f"holds an unknown key; known are {', '.join(sorted(MESSAGE_KEYS))}")
    if isinstance(read, dict) and "identifiers" in read and IDENTIFIER_KEYS & set(read):
        raise InvalidInput("body", "holds identifiers beside identifier or identifier_type: each entry names its own")
    return read if isinstance(read, dict) else {}


def _is_json_again(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[", '"')):
        return False
    try:
        return isinstance(exact_json.loads(text), dict | list | str)
    except ValueError:
        return False


def _standing_lookup(sent_at: float) -> str:
    return f"intake-{timestamp(sent_at)[:10]}"


def text(order: Mapping[str, object], key: str) -> str | None:
    """Read an optional short text. Raises `InvalidInput` when it is something else."""
    value = order.get(key)
    if value is None:
        return None
    if not _is_text(value):
        raise InvalidInput(key, f"must be a text of 1 to {IDENTIFIER_LENGTH} characters, no control characters")
    return value


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 1 <= len(value) <= IDENTIFIER_LENGTH and not holds_control(value)


def max_age(order: Mapping[str, object]) -> float:
    """Read `max_age` in seconds, 0 when absent. Raises `InvalidInput` when it is no number of 0 or more."""
    value = order.get("max_age")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_AGE_LIMIT:
        raise InvalidInput("max_age", f"must be a whole number of seconds from 0 to {MAX_AGE_LIMIT}")
    return float(value)


def field_names(order: Mapping[str, object]) -> tuple[str, ...] | None:
    """Read `fields`, the user attributes wanted; None means all. Raises `InvalidInput` when malformed."""
    value = order.get("fields")
    if value is None:
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= FIELDS_LIMIT or not all(map(_is_text, value)):
        raise InvalidInput("fields", f"must be a list of 1 to {FIELDS_LIMIT} attribute names")
    if len(exact_json.dumps(value)) > FIELDS_BYTES:
        raise InvalidInput("fields", f"must have at most {FIELDS_BYTES} bytes")
    return tuple(sorted(set(value)))
