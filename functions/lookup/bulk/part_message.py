"""A part as the body of a queue message, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, InvalidIdentifier, Json, Part, RosterRange

VERSION = 1


def serialize_part(part: Part) -> str:
    """Write a part; 100 identifiers of 512 characters stay under the 1 MiB of an SQS message.

    U+FFFE and U+FFFF, which SQS takes in no message, are written as their JSON escapes.
    """
    body: dict[str, object] = {
        "version": VERSION,
        "lookup_id": part.lookup_id,
        "part": part.number,
        "workspace": part.workspace,
        "fields": part.fields,
        "max_age": part.max_age,
        "submitted_at": part.submitted_at,
        "fed_at": part.fed_at,
        "identifiers": [[one.identifier_type.value, one.identifier] for one in part.identifiers],
        "invalid": [[one.excerpt, one.reason, one.identifier_type, one.line] for one in part.invalid],
        "correlation_id": part.correlation_id,
        "origin": _written(part.origin),
    }
    body |= {"places": part.places} if part.places else {}
    return exact_json.dumps(body).decode().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def parse_part(body: str) -> Part:
    """Read a part. Raises `InvalidInput` when it is not what `serialize_part` writes."""
    try:
        return _part(exact_json.loads(body))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("body", f"is not a part of version {VERSION} ({type(error).__name__})") from None


def _part(data: Json) -> Part:
    if not isinstance(data, Mapping) or data["version"] != VERSION:
        raise ValueError(VERSION)
    fields = data["fields"]
    return Part(
        lookup_id=_text(data["lookup_id"]),
        number=_text(data["part"]),
        workspace=_text(data["workspace"]),
        identifiers=tuple(_identifier(*_list(entry)) for entry in _list(data["identifiers"])),
        submitted_at=_number(data["submitted_at"]),
        fed_at=_number(data["fed_at"]),
        max_age=_number(data["max_age"]),
        fields=None if fields is None else tuple(_text(name) for name in _list(fields)),
        invalid=tuple(_invalid(*_list(entry)) for entry in _list(data["invalid"])),
        correlation_id=_optional_text(data["correlation_id"]),
        origin=_origin(data["origin"]),
        places=_places(data.get("places"), len(_list(data["invalid"])), len(_list(data["identifiers"]))),
    )


def _places(value: Json, invalid: int, usable: int) -> tuple[int, ...]:
    """Read the places of the invalid identifiers, in order; a part of an earlier release has none."""
    places = tuple(int(_number(one)) for one in _list(value or []))
    if places and (
        len(places) != invalid or list(places) != sorted(places) or not 0 <= places[0] <= places[-1] <= usable
    ):
        raise ValueError
    return places


def _written(origin: RosterRange | None) -> list[int] | None:
    return None if origin is None else [origin.start, origin.end, origin.line, origin.retry_round]


def _origin(value: Json) -> RosterRange | None:
    return None if value is None else RosterRange(*(int(_number(one)) for one in _list(value)))


def _identifier(kind: Json, value: Json) -> Identifier:
    return Identifier(IdentifierType(_text(kind)), _text(value))


def _invalid(text: Json, reason: Json, identifier_type: Json, line: Json) -> InvalidIdentifier:
    if line is not None and not isinstance(line, int):
        raise TypeError
    return InvalidIdentifier(_text(text), _text(reason), _text(identifier_type), line)


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional_text(value: Json) -> str | None:
    return None if value is None else _text(value)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not math.isfinite(value):
        raise TypeError
    return float(value)
