"""Find the column of a table, or key of an object, that holds the identifiers: known names and their spellings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lookup.errors import InvalidInput

# The meaning of a name in lower case, without separators.
MEANINGS = {
    "customerid": "customer_id",
    "uid": "customer_id",
    "userid": "customer_id",
    "uniqueid": "customer_id",
    "id": "id",
    "moengageid": "id",
    "identifier": "identifier",
    "identifiertype": "identifier_type",
}
EXPECTED = "customer_id, id, moengage_id, or identifier with identifier_type"
AROUND = "\ufeff\u200b\u200e\u200f\u2060 \t\r\n"  # white space, also of zero width, from copied text
SEPARATORS = re.compile(r"[\s_.\-]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the identifiers are: the place of their column, and their type or the place of the column of types."""

    at: int
    identifier_type: str = "customer_id"
    type_at: int | None = None


def meaning_of(name: str) -> str | None:
    """Return the meaning of a column's or key's name; case, spaces, hyphens and underscores are ignored."""
    return MEANINGS.get(SEPARATORS.sub("", name.strip(AROUND)).lower())


def columns_of(names: Sequence[str], where: str) -> Columns | None:
    """Return the columns of identifiers and types; None when no name is known.

    `identifier` with `identifier_type` goes before `customer_id`, that before `id`. Raises `InvalidInput` naming
    `where` when two columns could be meant: one name twice, two spellings of one, or `identifier` beside another.
    """
    at = {meaning: _places(names, meaning) for meaning in ("identifier", "identifier_type", "customer_id", "id")}
    if max(map(len, at.values())) > 1 or _is_bare_identifier_beside_another(at):
        raise InvalidInput("roster", f"is ambiguous: in {where} more than one column is known as {EXPECTED}")
    if at["identifier"]:
        return Columns(at["identifier"][0], type_at=at["identifier_type"][0] if at["identifier_type"] else None)
    for kind in ("customer_id", "id"):
        if at[kind]:
            return Columns(at[kind][0], identifier_type=kind)
    return None


def _places(names: Sequence[str], meaning: str) -> list[int]:
    return [place for place, name in enumerate(names) if meaning_of(name) == meaning]


def _is_bare_identifier_beside_another(at: dict[str, list[int]]) -> bool:
    return bool(at["identifier"] and not at["identifier_type"] and (at["customer_id"] or at["id"]))
