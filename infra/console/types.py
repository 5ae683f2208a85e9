"""The shapes of the API's answers as TypeScript, of `docs/openapi.json`: a page cannot read what no answer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
HEAD = "// Written by `make console` of docs/openapi.json.\n"


def typescript(document: Schema) -> str:
    """Return a module with one type for each schema of an OpenAPI document."""
    schemas = document["components"]["schemas"]
    return HEAD + "".join(f"\nexport type {name} = {_type(schemas[name])};\n" for name in sorted(schemas))


def _type(schema: Schema) -> str:  # noqa: PLR0911 - one for each kind of schema
    match schema:
        case {"$ref": reference}:
            return str(reference).rpartition("/")[2]
        case {"const": value}:
            return f'"{value}"'
        case {"anyOf": several}:
            return " | ".join(map(_type, several))
        case {"enum": values}:
            return " | ".join(f'"{value}"' for value in values)
        case {"type": "array"}:
            return f"Array<{_type(schema.get('items', {}))}>"
        case {"type": "object"}:
            return _object(schema)
        case _:
            return PLAIN.get(schema.get("type", ""), "unknown")


def _object(schema: Schema) -> str:
    members = [_member(schema, name, one) for name, one in schema.get("properties", {}).items()]
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        return f"Record<string, {_type(others)}>"
    if not members:
        return "Record<string, unknown>"
    return "{\n" + "".join(members) + "}"


def _member(schema: Schema, name: str, one: Schema) -> str:
    """Write one member; an answer may leave out what has a default."""
    return f'  "{name}"{"" if name in schema.get("required", ()) else "?"}: {_type(one)};\n'
