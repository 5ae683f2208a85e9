"""Which returned user answers which identifier: by value, never by position, because the vendor echoes neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookup.model import Attributes, Identifier, IdentifierType
from lookup.moengage_answer import Answer

# The attributes that hold a user's own identifiers, by type; `uid` is the customer id's short standard name.
HOLDERS: Mapping[IdentifierType, tuple[str, ...]] = {
    IdentifierType.CUSTOMER_ID: ("customer_id", "uid"),
    IdentifierType.ID: ("id", "moengage_id"),
}
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
    by_name = {name: user for user in reversed(answer.users) for name in _names(user)}
    found = {one: by_name[_name(one)] for one in asked if _name(one) in by_name}
    missing = [one for one in asked if one not in found]
    not_found = tuple(one for one in missing if _is_listed(one, answer))
    used = {id(user) for user in found.values()}
    return Paired(
        found=found,
        not_found=not_found,
        unaccounted=tuple(one for one in missing if one not in not_found),
        unmatched=tuple(user for user in answer.users if id(user) not in used),
    )


def _name(identifier: Identifier) -> tuple[IdentifierType, str]:
    return identifier.identifier_type, identifier.identifier


def _names(user: Attributes) -> list[tuple[IdentifierType, str]]:
    values = ((kind, user.get(holder)) for kind, holders in HOLDERS.items() for holder in holders)
    return [(kind, str(value)) for kind, value in values if _is_identifying(value)]


def _is_identifying(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_listed(identifier: Identifier, answer: Answer) -> bool:
    spellings = SPELLINGS[identifier.identifier_type]
    return any((spelling, identifier.identifier) in answer.not_found for spelling in spellings)
