"""Parse one entry of a list that is an object."""

from __future__ import annotations

from collections.abc import Mapping

from lookup.errors import InvalidInput
from lookup.model import InvalidIdentifier
from lookup.rosters.formats.columns import EXPECTED, columns_of
from lookup.validation import ParsedIdentifier, excerpt, parse_identifier, parse_typed_identifier


def parse_object(raw: object, *, line: int | None = None) -> ParsedIdentifier:
    """Parse as `parse_identifier`, or an object with a key that names the type: `{"customer_id": "C-1"}`."""
    if not isinstance(raw, Mapping):
        return parse_identifier(raw, line=line)
    names = list(raw)
    try:
        columns = columns_of(names, "this entry")
    except InvalidInput:
        return InvalidIdentifier(excerpt(raw), f"entry has more than one key that is known as {EXPECTED}", line=line)
    if columns is None:
        return InvalidIdentifier(excerpt(raw), f"entry has no key {EXPECTED}", line=line)
    spelling = columns.identifier_type if columns.type_at is None else raw[names[columns.type_at]]
    return parse_typed_identifier(spelling, raw[names[columns.at]], line)
