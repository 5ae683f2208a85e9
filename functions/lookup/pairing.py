"""Which returned user answers which identifier: by value, never by position, because the vendor echoes neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookup.model import Attributes, Identifier, IdentifierType
from lookup.moengage_answer import Answer

# The attributes that hold a user's own identifiers: their other names first, which yield to the ones we ask for.
HOLDERS: Sequence[Mapping[IdentifierType, str]] = (
    {IdentifierType.CUSTOMER_ID: "uid", IdentifierType.ID: "moengage_id"},
    {IdentifierType.CUSTOMER_ID: "customer_id", IdentifierType.ID: "id"},
)
NAMES = frozenset(name for held in HOLDERS for name in held.values())
SPELLINGS: Mapping[IdentifierType, tuple[str, ...]] = {
    IdentifierType.CUSTOMER_ID: ("customer_id",),
    IdentifierType.ID: ("id", "moengage_id"),
}


@dataclass(frozen=True, slots=True)
class Paired:
    """What one answer says of each identifier that was asked.

    `unaccounted` is in neither list of the answer. `unmatched` are returned users that nobody asked for.
    """

    found: Mapping[Identifier, Attributes]
    not_found: tuple[Identifier, ...]
    unaccounted: tuple[Identifier, ...]
    unmatched: tuple[Attributes, ...]


def pair(asked: Sequence[Identifier], answer: Answer) -> Paired:
    """Pair an answer with what was asked. Found wins over not found; two identifiers may name one user."""
    by_name = {name: user for held in HOLDERS for user in reversed(answer.users) for name in _names(user, held)}
    found = {one: by_name[_name(one)] for one in asked if _name(one) in by_name}
    missing = [one for one in dict.fromkeys(asked) if one not in found]
    not_found = tuple(one for one in missing if _is_listed(one, answer))
    return Paired(
        found=found,
        not_found=not_found,
        unaccounted=tuple(one for one in missing if one not in not_found),
        unmatched=tuple(user for user in answer.users if not _is_used(user, found)),
    )


def _name(identifier: Identifier) -> tuple[IdentifierType, str]:
    return identifier.identifier_type, identifier.identifier


def _names(user: Attributes, held: Mapping[IdentifierType, str]) -> list[tuple[IdentifierType, str]]:
    values = ((kind, user.get(holder)) for kind, holder in held.items())
    return [(kind, str(value)) for kind, value in values if _is_identifying(value)]


def _is_used(user: Attributes, found: Mapping[Identifier, Attributes]) -> bool:
    """Tell whether a user, or an equal copy of it, is somebody's answer."""
    return any(found.get(Identifier(*name)) == user for held in HOLDERS for name in _names(user, held))


def _is_identifying(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_listed(identifier: Identifier, answer: Answer) -> bool:
    spellings = SPELLINGS[identifier.identifier_type]
    return any((spelling, identifier.identifier) in answer.not_found for spelling in spellings)
