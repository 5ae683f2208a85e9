"""Rosters: whatever is written is read back, and whatever is read is counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.roster import entries, in_parts
from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType
from lookup.rosters.formats.parsing import STRAY
from lookup.validation import ParsedIdentifier, parse_identifier


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def read(text: str) -> list[ParsedIdentifier]:
    return list(entries(text.encode().splitlines(keepends=True)))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes(lines: list[bytes]) -> None:
    """Whatever bytes a roster holds, a line that is not blank is one entry at most, or the roster is refused."""
    body = b"\n".join(lines)
    try:
        read_entries = list(entries([body]))
    except InvalidInput:
        return
    assert len(read_entries) <= sum(bool(line.strip()) for line in body.splitlines())


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=2, max_size=40)
VALID = st.builds(Identifier, st.sampled_from(IdentifierType), TEXTS).filter(
    lambda one: parse_identifier({"identifier_type": one.identifier_type, "identifier": one.identifier}) == one
)
CUSTOMERS = TEXTS.map(customer).filter(
    lambda one: parse_identifier(one.identifier) == one and not STRAY.match(one.identifier)
)


def as_csv(identifiers: list[Identifier], delimiter: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["name", "identifier", "identifier_type"])
    writer.writerows(["Doe, John; Jr.", one.identifier, one.identifier_type.value] for one in identifiers)
    return written.getvalue()


def as_ndjson(identifiers: list[Identifier]) -> str:
    return "".join(
        exact_json.dumps({"identifier_type": one.identifier_type, "identifier": one.identifier}).decode() + "\n"
        for one in identifiers
    )


def as_short_ndjson(identifiers: list[Identifier]) -> str:
    return "".join(exact_json.dumps({one.identifier_type: one.identifier}).decode() + "\n" for one in identifiers)


WRITERS: list[Callable[[list[Identifier]], str]] = [
    lambda identifiers: as_csv(identifiers, ","),
    lambda identifiers: as_csv(identifiers, ";"),
    lambda identifiers: as_csv(identifiers, "\t"),
    as_ndjson,
    as_short_ndjson,
]


@pytest.mark.parametrize("write", WRITERS)
@given(identifiers=st.lists(VALID, max_size=10))
def test_round_trip(write: Callable[[list[Identifier]], str], identifiers: list[Identifier]) -> None:
    """Any identifiers, written as CSV or NDJSON by the common means, are read back the same and in order."""
    assert read(write(identifiers)) == identifiers


@given(st.lists(CUSTOMERS, max_size=10))
def test_plain_round_trip(identifiers: list[Identifier]) -> None:
    """Any customer ids, one a line, are read back the same, however lines end."""
    identifiers = [customer("C-1"), *identifiers]  # a first line that is plainly no header and no JSON
    for end in ("\n", "\r\n", "\r"):
        assert read(end.join(one.identifier for one in identifiers)) == identifiers


@given(st.lists(st.integers(), max_size=350), st.integers(1, 120))
def test_parts(items: list[int], size: int) -> None:
    """Parts are full but for the last, and hold everything once and in order."""
    parts = list(in_parts(items, size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts[-1:])
