"""What of a schema's change breaks callers: those who send what it describes, or those who receive it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
ANYTHING = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
STRICTER_WHEN_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
STRICTER_WHEN_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass
class Schemas:
    """Compares schemas of two documents; a pair of references is entered once, so that recursion ends."""

    old: Json
    new: Json
    entered: set[tuple[str, str, bool]] = field(default_factory=set)

    def breaks(self, old: Json, new: Json, where: str, *, sent: bool) -> Iterator[str]:
        """Return what breaks at `where`; `sent`: of what callers send, else of what they receive."""
        pair = (old.get("$ref", ""), new.get("$ref", ""), sent)
        if pair[0] and pair in self.entered:
            return
        self.entered.add(pair)
        before, after = by_type(self.old, old), by_type(self.new, new)
        if sent:
            yield from (f"{where}: no longer takes {name}" for name in sorted(_beyond(before, after)))
        else:
            yield from (f"{where}: may now be {name}" for name in sorted(_beyond(after, before)))
        for name in sorted(before.keys() & after.keys()):
            yield from self._of_one_type(before[name], after[name], where, sent=sent)

    def _of_one_type(self, old: Json, new: Json, where: str, *, sent: bool) -> Iterator[str]:
        yield from _values(old, new, where, sent=sent)
        yield from _required(old, new, where, sent=sent)
        if sent:
            yield from _bounds(old, new, where)
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name in after:
                yield from self.breaks(before[name], after[name], f"{where}.{name}", sent=sent)
            else:
                yield f"{where}.{name}: removed"
        if "items" in new:
            yield from self.breaks(old.get("items", {}), new["items"], f"{where}[]", sent=sent)


def resolved(document: Json, schema: Json) -> Json:
    """Follow a reference within the document."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def by_type(document: Json, schema: Json) -> dict[str, Json]:
    """Return what a schema says of each type of JSON that it allows; without a word about types it allows all."""
    schema = resolved(document, schema)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return {name: one for choice in choices for name, one in by_type(document, choice).items()}
    named = schema.get("type")
    if named is None:
        named = [_type_of(value) for value in _listed(schema)] or ANYTHING
    return dict.fromkeys([named] if isinstance(named, str) else named, schema)


def _type_of(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _beyond(these: Mapping[str, Json], those: Mapping[str, Json]) -> set[str]:
    """Return the types that only the first allows; every integer is a number."""
    covered = set(those) | ({"integer"} if "number" in those else set())
    return set(these) - covered


def _listed(schema: Json) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _values(old: Json, new: Json, where: str, *, sent: bool) -> Iterator[str]:
    before, after = _listed(old), _listed(new)
    if sent and after:
        gone = [value for value in before if value not in after]
        yield from (f"{where}: no longer takes {value!r}" for value in gone)
        if not before:
            yield f"{where}: takes only listed values now"
    if not sent and before:
        yield from (f"{where}: may now be {value!r}" for value in after if value not in before)
        if not after:
            yield f"{where}: may now be any value"


def _required(old: Json, new: Json, where: str, *, sent: bool) -> Iterator[str]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    if sent:
        yield from (f"{where}.{name}: newly required" for name in sorted(after - before))
        if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
            yield f"{where}: no longer takes other fields"
    else:
        still = set(new.get("properties", {}))
        yield from (f"{where}.{name}: may now be absent" for name in sorted((before - after) & still))


def _bounds(old: Json, new: Json, where: str) -> Iterator[str]:
    for name in STRICTER_WHEN_HIGHER:
        if name in new and new[name] > old.get(name, float("-inf")):
            yield f"{where}: {name} is now {new[name]}"
    for name in STRICTER_WHEN_LOWER:
        if name in new and new[name] < old.get(name, float("inf")):
            yield f"{where}: {name} is now {new[name]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{where}: has another pattern now"
