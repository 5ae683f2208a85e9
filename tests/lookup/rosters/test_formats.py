"""Rosters: every supported format, and every unreadable line, counted by its number."""

from __future__ import annotations

import codecs

import pytest

from infra.local.roster import entries
from lookup.errors import InvalidInput
from lookup.model import Identifier, IdentifierType, InvalidIdentifier
from lookup.validation import ParsedIdentifier

UNREADABLE = "line is not readable in the roster's format"


def customer(text: str) -> Identifier:
    return Identifier(IdentifierType.CUSTOMER_ID, text)


def own(text: str) -> Identifier:
    return Identifier(IdentifierType.ID, text)


def read(text: str | bytes) -> list[ParsedIdentifier]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(entries(content.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer_id\nC-1\nC-2\n", [customer("C-1"), customer("C-2")]),
        ("id\n62e7\n", [own("62e7")]),
        ("moengage_id\n62e7\n", [own("62e7")]),
        ("name,Customer_ID ,city\nJohn,C-1,Bonn\nJane,C-2\n", [customer("C-1"), customer("C-2")]),
        ("identifier,identifier_type\nC-1,customer_id\n62e7,moengage_id\n", [customer("C-1"), own("62e7")]),
        ("id,identifier_type,identifier\n7,customer_id,C-1\n", [customer("C-1")]),
        ("identifier,name\nC-1,John\n", [customer("C-1")]),
        ("id,customer_id\n62e7,C-1\n", [customer("C-1")]),
        ('"customer_id"\n"C-1"\n"say ""hi"", you"\n', [customer("C-1"), customer('say "hi", you')]),
        ("customer_id;name\nC-1;Doe, John\n", [customer("C-1")]),
        ("name\tcustomer_id\nJohn\tC-1\n", [customer("C-1")]),
        ("customer_id,\nC-1,\nC-2,,\n", [customer("C-1"), customer("C-2")]),
    ],
)
def test_csv(text: str, expected: list[ParsedIdentifier]) -> None:
    """A CSV's header says in which column the identifiers are, and of which type; other columns are no matter."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"C-1"\n"C-2"\n', [customer("C-1"), customer("C-2")]),
        ('{"customer_id": "C-1", "name": "x"}\n{"moengage_id": "62e7"}\n', [customer("C-1"), own("62e7")]),
        ('{"identifier_type": "id", "identifier": "62e7"}\n{"identifier": "C-1"}\n', [own("62e7"), customer("C-1")]),
        ('{"id": "62e7", "customer_id": "C-1"}\n"C-2"\n', [customer("C-1"), customer("C-2")]),
        ('{"identifier": "a;id;b"}\n', [customer("a;id;b")]),
    ],
)
def test_ndjson(text: str, expected: list[ParsedIdentifier]) -> None:
    """NDJSON lines are strings, or objects with the key that names the type, or with both documented keys."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C-1\nC-2\nC-1", [customer("C-1"), customer("C-2"), customer("C-1")]),
        ("a@b.example\nDoe, John\n", [customer("a@b.example"), customer("Doe, John")]),
        ("{5e7d-11}\n{5e7d-12}\n", [customer("{5e7d-11}"), customer("{5e7d-12}")]),
        ("100% #a/b?c+d\nmüller 東京\n", [customer("100% #a/b?c+d"), customer("müller 東京")]),
    ],
)
def test_plain_lines(text: str, expected: list[ParsedIdentifier]) -> None:
    """Without a header and without JSON every line is a customer id as it stands."""
    assert read(text) == expected


@pytest.mark.parametrize("text", ["customer_id\nC-1\nC-2", "C-1\nC-2", '"C-1"\n"C-2"', '{"id": "C-1"}\n"C-2"'])
def test_how_files_are_written(text: str) -> None:
    """A byte order mark, either line ending, a missing last one and blank lines make no difference."""
    expected = read(text)
    variants = [text + "\n", text.replace("\n", "\r\n"), "\n\r\n" + text.replace("\n", "\n  \n\n")]
    assert [read(variant) for variant in variants] == [expected] * 3
    assert read(codecs.BOM_UTF8 + text.encode()) == expected


@pytest.mark.parametrize("text", ["", "\n \r\n", "customer_id\n"])
def test_nothing_in_it(text: str) -> None:
    """A roster without a line is a roster of nobody."""
    assert read(text) == []


@pytest.mark.parametrize("header", ["email,name", "Doe, John", '"first","second"', "a,b\r,c"])
def test_no_usable_column(header: str) -> None:
    """Several cells and none of them a usable column: refused as a whole, before anything is sent."""
    with pytest.raises(InvalidInput, match=r"^roster: has no column customer_id, id, moengage_id"):
        list(entries([f"{header}\n".encode(), b"C-1\n"]))


@pytest.mark.parametrize(
    ("line", "shown", "reason"),
    [
        (b"C-\xff1", "C-\ufffd1", "line is not UTF-8"),
        (b"x" * 4097, "x" * 200, "line is over 4096 bytes"),
        (b"x" * 4096, "x" * 200, "identifier must have at most 512 characters"),
        (b"null", "null", "identifier is a value that MoEngage blocks as a customer_id"),
        (b"a\0b", "a\0b", "identifier must not hold control characters"),
    ],
)
def test_unusable_lines(line: bytes, shown: str, reason: str) -> None:
    """A line that cannot be used is invalid by its number in the file, blank lines counted; the others are read."""
    for head in (b"C-0\n", b"customer_id\n"):
        assert read(head + b"\n" + line + b"\nC-9\n")[-2:] == [
            InvalidIdentifier(shown, reason, line=3),
            customer("C-9"),
        ]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("customer_id", '"C-1'), ("customer_id", "Doe, John"), ("customer_id", '"C-1"x'), ("name,customer_id", "John"),
        ('{"customer_id": "C-0"}', "C-1"), ('{"customer_id": "C-0"}', '{"name": "x"}'), ('"C-0"', '{"customer_id": '),
    ],
)  # fmt: skip
def test_lines_out_of_format(head: str, line: str) -> None:
    """A line that the roster's format cannot explain is never guessed at."""
    assert read(f"{head}\n{line}\n")[-1] == InvalidIdentifier(line, UNREADABLE, line=2)


def test_wrong_types_in_ndjson() -> None:
    """A number is no identifier, in a roster as everywhere."""
    assert read('"C-1"\n12345\n{"customer_id": 7}\n')[1:] == [
        InvalidIdentifier("12345", "identifier must be a string", line=2),
        InvalidIdentifier("7", "identifier must be a string", line=3),
    ]
