"""Match returned users to requested identifiers: by value, for the vendor keeps no order and echoes no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookup.model import Attributes, Identifier, IdentifierType
from lookup.moengage.lenient_json import spellings_of
from lookup.moengage.responses import ExportResponse

Name = tuple[IdentifierType, str]
# The attributes that hold a user's identifiers: alternative names first, which yield to the documented ones.
ID_ATTRIBUTES: Sequence[Mapping[IdentifierType, str]] = (
    {IdentifierType.CUSTOMER_ID: "uid", IdentifierType.ID: "moengage_id"},
    {IdentifierType.CUSTOMER_ID: "customer_id", IdentifierType.ID: "id"},
)
ID_ATTRIBUTE_NAMES = frozenset(name for attributes in ID_ATTRIBUTES for name in attributes.values())
SPELLINGS: Mapping[IdentifierType, tuple[str, ...]] = {
    IdentifierType.CUSTOMER_ID: ("customer_id",),
    IdentifierType.ID: ("id", "moengage_id"),
}


@dataclass(frozen=True, slots=True)
class Matches:
    """The requested identifiers by their result in one response.

    `unaccounted` are in neither of its lists. `unmatched` are returned users that were not requested. `unreadable` are
    those whose returned profile cannot be parsed. `fetched_at` is when the request left (epoch seconds).
    """

    found: Mapping[Identifier, Attributes]
    not_found: tuple[Identifier, ...]
    unaccounted: tuple[Identifier, ...]
    unmatched: tuple[Attributes, ...]
    unreadable: tuple[Identifier, ...] = ()
    fetched_at: float = 0.0


def match_users(requested: Sequence[Identifier], response: ExportResponse, *, fetched_at: float = 0.0) -> Matches:
    """Match a response with the requested identifiers. Found wins over not found; two identifiers may name one user.

    An unreadable profile without a name is that of the only requested identifier, if there was one.
    """
    by_name = _by_name(response.users)
    found = {one: by_name[_name(one)] for one in requested if _name(one) in by_name}
    missing = [one for one in dict.fromkeys(requested) if one not in found]
    unreadable_users = _by_name(response.unreadable)
    unreadable = tuple(one for one in missing if _name(one) in unreadable_users)
    not_found = tuple(one for one in missing if one not in unreadable and _is_listed(one, response))
    left = tuple(one for one in missing if one not in unreadable and one not in not_found)
    if len(requested) == 1 and response.unreadable:
        unreadable, left = unreadable + left, ()
    return Matches(
        found=found,
        not_found=not_found,
        unaccounted=left,
        unmatched=tuple(user for user in response.users if not _is_used(user, found)),
        unreadable=unreadable,
        fetched_at=fetched_at,
    )


def _name(identifier: Identifier) -> Name:
    return identifier.identifier_type, identifier.identifier


def _by_name(users: Sequence[Attributes]) -> dict[Name, Attributes]:
    """Return the users by all their names: a written name wins over an equal number, then the first user wins."""
    by_name: dict[Name, Attributes] = {}
    for attributes in ID_ATTRIBUTES:
        named = [(kind, spellings_of(user.get(name)), user) for user in users for kind, name in attributes.items()]
        by_name |= {(kind, other): user for kind, names, user in reversed(named) for other in names[1:]}
        by_name |= {(kind, names[0]): user for kind, names, user in reversed(named) if names}
    return by_name


def _names(user: Attributes, attributes: Mapping[IdentifierType, str]) -> list[Name]:
    return [(kind, name) for kind, attribute in attributes.items() for name in spellings_of(user.get(attribute))]


def _is_used(user: Attributes, found: Mapping[Identifier, Attributes]) -> bool:
    """Return whether a user, or an equal copy of it, was matched."""
    return any(
        found.get(Identifier(*name)) == user for attributes in ID_ATTRIBUTES for name in _names(user, attributes)
    )


def _is_listed(identifier: Identifier, response: ExportResponse) -> bool:
    spellings = SPELLINGS[identifier.identifier_type]
    return any((spelling, identifier.identifier) in response.not_found for spelling in spellings)
