"""Who is to be erased, and whether a record or a user's attributes are theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from lookup import exact_json
from lookup.collection.formats.spreadsheet import safe, undivided
from lookup.fetch.tombstones import identifiers_of
from lookup.model import Attributes, Identifier, IdentifierType

PATTERN_BYTES = 16 * 1024  # of one expression: many long identifiers make several
KINDS = frozenset(one.value for one in IdentifierType)
# What may stand before and behind an identifier in JSON or CSV; a number may go on with `.0`.
BEFORE, BEHIND = r"""(?:^|[\s"',;:\[{(])""", r"""(?:$|[\s"',;:.\]})])"""


class People:
    """The identifiers of one erasure."""

    def __init__(self, identifiers: Iterable[Identifier]) -> None:
        self.identifiers = frozenset(identifiers)
        self.values = frozenset(one.identifier for one in self.identifiers)
        self.needles = sorted({form for value in self.values for form in _forms(value)})
        self.patterns = list(_patterns(self.needles))

    @cached_property
    def escaped_patterns(self) -> Sequence[str]:
        """The expressions that find identifiers in JSON of which any character may be escaped (RFC 8259, 7)."""
        return list(_joined(_escaped(value) for value in sorted(self.values)))

    def are_named(self, kind: object, identifier: object) -> bool:
        """Return whether a record's identifier is one of theirs; of an unknown kind, whether the text is."""
        if not isinstance(identifier, str) or identifier not in self.values:
            return False
        if kind not in KINDS:
            return True
        return Identifier(IdentifierType(kind), identifier) in self.identifiers

    def including(self, others: Iterable[Identifier]) -> People:
        """Return these people with other identifiers of theirs."""
        more = self.identifiers.union(others)
        return self if more == self.identifiers else People(more)

    def own(self, user: object) -> bool:
        """Return whether a user's attributes hold one of their identifiers."""
        return isinstance(user, Mapping) and not self.identifiers.isdisjoint(identifiers_of(user))

    def own_json(self, attributes: bytes | str | None) -> bool:
        """Return whether a user's attributes, as JSON, hold one of their identifiers."""
        if attributes is None:
            return False
        try:
            return self.own(exact_json.loads(attributes))
        except ValueError:
            return False

    def aliases(self, user: Attributes) -> list[Identifier]:
        """Return the other identifiers that a user's attributes hold."""
        return [one for one in identifiers_of(user) if one not in self.identifiers]

    def aliases_in_record(self, kind: object, identifier: object, attributes: bytes | str | None) -> set[Identifier]:
        """Return the other identifiers of a record of theirs: its own, and those among its attributes."""
        found = set[Identifier]()
        if isinstance(identifier, str) and kind in KINDS:
            found.add(Identifier(IdentifierType(kind), identifier))
        if attributes is not None:
            user = exact_json.loads(attributes)
            found.update(identifiers_of(user) if isinstance(user, Mapping) else ())
        return found - self.identifiers


def _forms(value: str) -> set[str]:
    """Return how a text may be written: as it is, in JSON, in a cell of CSV, and JSON in a cell."""
    in_json = exact_json.dumps_well_formed(value).decode()[1:-1]
    forms = {value, in_json, undivided(in_json), safe(value)}
    return forms | {form.replace('"', '""') for form in forms}


def _escaped(value: str) -> str:
    """Return an expression of a text in JSON, each character as it stands or escaped."""
    return "".join(f"(?:{'|'.join(_spellings(one))})" for one in value)


def _spellings(one: str) -> Iterator[str]:
    yield re.escape(exact_json.dumps_well_formed(one).decode()[1:-1])
    if one == "/":
        yield r"\\/"
    units = one.encode("utf-16-be", "surrogatepass").hex()
    digits = [f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in units]
    yield "".join(rf"\\u{''.join(digits[at : at + 4])}" for at in range(0, len(digits), 4))


def _patterns(needles: Iterable[str]) -> Iterable[str]:
    return _joined(map(re.escape, needles))


def _joined(expressions: Iterable[str]) -> Iterable[str]:
    some: list[str] = []
    for expression in expressions:
        some.append(expression)
        if sum(map(len, some)) > PATTERN_BYTES:
            yield f"{BEFORE}(?:{'|'.join(some)}){BEHIND}"
            some = []
    if some:
        yield f"{BEFORE}(?:{'|'.join(some)}){BEHIND}"
