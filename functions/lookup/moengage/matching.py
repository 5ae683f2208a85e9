"""Which returned user answers which identifier: by value, never by position, because the vendor echoes neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookup.model import Attributes, Identifier, IdentifierType
from lookup.moengage.lenient_json import spelled
from lookup.moengage.responses import ExportResponse

Name = tuple[IdentifierType, str]
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
class Matches:
    """What one answer says of each identifier that was asked.

    `unaccounted` is in neither list of the answer. `unmatched` are returned users that nobody asked for. `unreadable`
    are those whose profile is in the answer and cannot be read.
    """

    found: Mapping[Identifier, Attributes]
    not_found: tuple[Identifier, ...]
    unaccounted: tuple[Identifier, ...]
    unmatched: tuple[Attributes, ...]
    unreadable: tuple[Identifier, ...] = ()


def match_users(asked: Sequence[Identifier], answer: ExportResponse) -> Matches:
    """Pair an answer with what was asked. Found wins over not found; two identifiers may name one user.

    A profile that cannot be read and names nobody is that of whom the call asked for alone.
    """
    by_name = _by_name(answer.users)
    found = {one: by_name[_name(one)] for one in asked if _name(one) in by_name}
    missing = [one for one in dict.fromkeys(asked) if one not in found]
    spoilt = _by_name(answer.unreadable)
    unreadable = tuple(one for one in missing if _name(one) in spoilt)
    not_found = tuple(one for one in missing if one not in unreadable and _is_listed(one, answer))
    left = tuple(one for one in missing if one not in unreadable and one not in not_found)
    if len(asked) == 1 and answer.unreadable:
        unreadable, left = unreadable + left, ()
    return Matches(
        found=found,
        not_found=not_found,
        unaccounted=left,
        unmatched=tuple(user for user in answer.users if not _is_used(user, found)),
        unreadable=unreadable,
    )


def _name(identifier: Identifier) -> Name:
    return identifier.identifier_type, identifier.identifier


def _by_name(users: Sequence[Attributes]) -> dict[Name, Attributes]:
    """Return the users by all their names: what is written wins over what a number stands for, then the first user."""
    by_name: dict[Name, Attributes] = {}
    for held in HOLDERS:
        named = [(kind, spelled(user.get(holder)), user) for user in users for kind, holder in held.items()]
        by_name |= {(kind, other): user for kind, names, user in reversed(named) for other in names[1:]}
        by_name |= {(kind, names[0]): user for kind, names, user in reversed(named) if names}
    return by_name


def _names(user: Attributes, held: Mapping[IdentifierType, str]) -> list[Name]:
    return [(kind, name) for kind, holder in held.items() for name in spelled(user.get(holder))]


def _is_used(user: Attributes, found: Mapping[Identifier, Attributes]) -> bool:
    """Return whether a user, or an equal copy of it, is somebody's answer."""
    return any(found.get(Identifier(*name)) == user for held in HOLDERS for name in _names(user, held))


def _is_listed(identifier: Identifier, answer: ExportResponse) -> bool:
    spellings = SPELLINGS[identifier.identifier_type]
    return any((spelling, identifier.identifier) in answer.not_found for spelling in spellings)
