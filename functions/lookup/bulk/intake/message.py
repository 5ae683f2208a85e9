"""A message of the intake queue, as other systems write it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.model import PART_LIMIT, Part, timestamp
from lookup.rosters.formats.columns import meaning_of
from lookup.rosters.formats.objects import parse_object
from lookup.rosters.formats.signatures import structure
from lookup.validation import (
    BLOCKED_CUSTOMER_IDS,
    CONTROL,
    IDENTIFIER_KEYS,
    optional_text,
    parse_fields,
    parse_max_age,
    partition,
)

JSON_STRING = re.compile(r'\s*"([^"\\]|\\.)*"\s*')
MESSAGE_KEYS = {"identifiers", "identifier", "identifier_type", "workspace", "fields", "max_age", "correlation_id"}


def parse_intake_message(body: str, *, message_id: str, sent_at: float, default_workspace: str) -> Part:
    """Read one message of the intake queue: plain text (a customer id), a JSON list, or the documented object.

    Raises `InvalidInput` when the message as a whole cannot be read.
    """
    order = _order(body)
    raw = order.get("identifiers", [order] if "identifier" in order else None)
    if not isinstance(raw, list) or not 1 <= len(raw) <= PART_LIMIT:
        raise InvalidInput("identifiers", f"must be a list of 1 to {PART_LIMIT} identifiers")
    usable, invalid = partition([parse_object(item) for item in raw])
    return Part(
        lookup_id=_intake_lookup_id(sent_at),
        number=message_id,
        workspace=optional_text(order, "workspace") or default_workspace,
        identifiers=usable,
        invalid=invalid,
        submitted_at=sent_at,
        fed_at=sent_at,
        max_age=parse_max_age(order),
        fields=parse_fields(order),
        correlation_id=optional_text(order, "correlation_id"),
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


def _intake_lookup_id(sent_at: float) -> str:
    return f"intake-{timestamp(sent_at)[:10]}"
