"""A part as the body of a queue message, and back."""

from __future__ import annotations

from typing import Any

from lookup import wire
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, Invalid, Part

VERSION = 1


def write(part: Part) -> str:
    """Write a part; 100 identifiers of 512 characters stay under the 1 MiB of an SQS message."""
    body = {
        "version": VERSION,
        "lookup_id": part.lookup_id,
        "part": part.number,
        "workspace": part.workspace,
        "fields": part.fields,
        "max_age": int(part.max_age),
        "submitted_at": part.submitted_at,
        "fed_at": part.fed_at,
        "identifiers": [[one.identifier_type.value, one.identifier] for one in part.identifiers],
        "invalid": [[one.text, one.reason, one.identifier_type, one.line] for one in part.invalid],
    }
    return wire.dumps(body).decode()


def read(body: str) -> Part:
    """Read a part. Raises `InvalidInput` when it is not what `write` writes."""
    try:
        return _part(wire.loads(body))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("body", f"is not a part of version {VERSION} ({type(error).__name__})") from None


def _part(data: Any) -> Part:  # noqa: ANN401 - whatever JSON the message holds; wrong types raise TypeError
    if data["version"] != VERSION:
        raise ValueError(VERSION)
    fields = data["fields"]
    return Part(
        lookup_id=data["lookup_id"],
        number=data["part"],
        workspace=data["workspace"],
        identifiers=tuple(Identifier(IdentifierType(kind), value) for kind, value in data["identifiers"]),
        submitted_at=float(data["submitted_at"]),
        fed_at=float(data["fed_at"]),
        max_age=float(data["max_age"]),
        fields=None if fields is None else tuple(fields),
        invalid=tuple(Invalid(*entry) for entry in data["invalid"]),
    )
