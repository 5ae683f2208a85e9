"""Records of result objects, cut into what collecting asks of them; attributes stay the text that they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lookup.model import Counts

ATTRIBUTES = b',"user_attributes":'  # the last key of a record; in a text its quotes would be escaped
NOTHING = b"null"


class Row(NamedTuple):
    """One record: its `line` of JSON, its `facts` beside the attributes, and these as JSON text, or None."""

    line: bytes
    facts: Mapping[str, Any]
    attributes: bytes | None

    @property
    def is_changed(self) -> bool:
        """Whether the user is new, gone or different since the fetch before; records of release 0.2 do not say."""
        return self.facts.get("changed") is True


def row_of(line: bytes) -> Row:
    """Return one record. Only what stands before the attributes is parsed, so that no digit of theirs is lost."""
    end = line.index(ATTRIBUTES)
    attributes = line[end + len(ATTRIBUTES) : -1]
    facts = json.loads(line[:end] + b"}")
    return Row(line, facts, None if attributes == NOTHING else attributes)


def counts_of(rows: Sequence[Row]) -> Counts:
    """Count rows by outcome. Raises `TypeError` on an outcome that there is not."""
    outcomes: dict[str, int] = {}
    for row in rows:
        outcome = row.facts["outcome"]
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return Counts(len(rows), **outcomes)


def added(one: Counts, other: Counts) -> Counts:
    """Add two counts."""
    return Counts(
        one.requested + other.requested,
        one.found + other.found,
        one.not_found + other.not_found,
        one.invalid + other.invalid,
        one.failed + other.failed,
    )
