"""Printed tables, rows of JSON, and cells without a column: nothing of them is requested."""

from __future__ import annotations

import pytest

from lookup.errors import InvalidInput
from lookup.rosters.formats.parsing import OTHER_HEADER, UNREADABLE
from tests.lookup.rosters.reading import asked, read

RULER = "line 1 shows the ruler of a printed table or document"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("┌─────────────┐\n│ customer_id │\n├─────────────┤\n│ C-9001      │\n└─────────────┘\n", RULER),
        ("│ Kunde │\n│ C-9001 │\n", RULER),
        ("*************************** 1. row ***************************\ncustomer_id: C-9001\n", RULER),
        ("===========  ====\ncustomer_id  name\n===========  ====\nC-9001       Ann\n", RULER),
        ("| customer_id | n |\n|:-:|:-:|\n| C-9001 | x |\n", "(line 2 is a ruler)"),
        ("| customer_id |\n| - |\n| C-9001 |\n", "(line 2 is a ruler)"),
        ("||customer_id||n||\n|C-9001|Ann|\n", "is a wiki's table (line 1 begins with two pipes)"),
        ("Kunde         Mail\nC-9001        ann@example.com\n", "line 1 shows columns between spaces"),
        ("      kunde   mail\n0     C-9001   a\n", "line 1 shows columns between spaces"),
        ('callback(["C-9001"])', "line 1 shows brackets"),
        ("set('C-9001')", "line 1 shows brackets"),
        ('["C-9001","Ann"]\n["C-9002","Bob"]\n', "has a JSON list of several values in each line (see line 1)"),
        ('["customer_id","name"]\n["C-9001","Ann"]\n', "has a JSON list of several values in each line"),
        ('{"identifier_type":"id","identifiers":["C-9001"]}', "has identifier_type beside a list in line 1"),
        ("HTTP/1.1 200 OK\nContent-Type: text/csv\n\ncustomer_id\nC-9001\n", "line 1 shows a message with its headers"),
        ("From ann@example.com Mon Nov 23\n\nC-9001\n", "line 1 shows a message with its headers"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:aa\n", "line 1 shows what a tool wrote instead"),
        ("<<<<<<< HEAD\nC-9001\n=======\nC-9002\n>>>>>>> other\n", "line 1 shows what a tool wrote instead"),
        ("begin 644 users.csv\n#0RTQ\n`\nend\n", "line 1 shows what a tool wrote instead"),
        ("!<arch>\ndebian-binary   14\n", "is an archive (ar, .deb)"),
        ("C-9001\n" * 30 + "customer_id,name\nC-9002,Ann\n", OTHER_HEADER),
    ],
)
def test_what_is_refused(body: str, rule: str) -> None:
    """What a tool printed, or may be read in two ways, is refused by what it shows."""
    with pytest.raises(InvalidInput) as refused:
        read(body.encode())
    assert rule in refused.value.rule


@pytest.mark.parametrize(
    "total", ["2 rows selected.", "2 rows in set (0.00 sec)", "1 row affected", "(2 rows affected)"]
)
@pytest.mark.parametrize("header", ["", "customer_id\n"])
def test_how_many_rows(header: str, total: str) -> None:
    """The count that a database prints behind its rows is no identifier."""
    identifiers, invalid = asked(f"{header}C-9001\n12 rows\n{total}\n".encode())
    assert identifiers == ["C-9001", "12 rows"]
    assert [reason for _, reason in invalid] == [UNREADABLE]


def test_a_cell_beyond_the_named_columns() -> None:
    """Where the header ends in columns without a name, a row with something in them has an unquoted delimiter."""
    body = b"name,customer_id,\nDoe, Jane,C-9001\nAnn,C-9002,\nBob,C-9003\n"
    assert asked(body) == (["C-9002", "C-9003"], [(2, UNREADABLE)])


def test_lists_that_are_no_rows() -> None:
    """Joined lists of one value each, or of objects, can be read in one way only."""
    assert asked(b'["C-9001"]\n["C-9002"]\n')[0] == ["C-9001", "C-9002"]
    assert asked(b'[{"id":"C-9001"},{"id":"C-9002"}]\n[{"id":"C-9003"}]\n')[0] == ["C-9001", "C-9002", "C-9003"]


@pytest.mark.parametrize("mark", ["\u200b", "\u2060", "\u200e"])
def test_marks_without_width_around_a_header(mark: str) -> None:
    """A header that was copied with characters nobody sees is the header it looks like."""
    assert asked(f"{mark}customer_id{mark}\nC-9001\n".encode()) == (["C-9001"], [])
