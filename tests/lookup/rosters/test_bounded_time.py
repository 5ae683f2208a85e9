"""What a partner repeats in the first 64 KB of a roster is read once, and not divided in every way there is."""

from __future__ import annotations

from contextlib import suppress

import pytest

from lookup.errors import InvalidInput
from lookup.rosters.formats.signatures import is_ruler
from lookup.rosters.preview import preview_of

MARKS = (
    "=",
    "-",
    "=-",
    "= ",
    "-|",
    '"',
    '""',
    '"a",',
    "\\",
    '{"',
    "[",
    "<a",
    " ",
    "\t",
    "|",
    "copy ",
    "select ",
    "x=",
    "1.",
)
BEGINNINGS = ("", "C-9001\n", "customer_id,note\nC-9001,", '[{"customer_id":"C-9001"},', '"C-9001"\n', "customer_id\n")


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_no_opening_takes_for_ever(beginning: str) -> None:
    """Whatever 64 KB a partner repeats is read in one go: a rule that tries all ways to divide it would take hours."""
    for marks in MARKS:
        opening = (beginning + marks * 65_536).encode()[:65_534] + b"x\n"
        with suppress(InvalidInput):
            assert preview_of(opening, is_whole=True).entries >= 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"---", True), (b"| --- | --- |", True), (b"+---+", True), (b"- - -=-", True), (b"=== - =", True),
        (b"-=-", True), (b"--", False), (b"= = =", False), (b"---x", False), (b"x---", False), (b"-- --", False),
        (b"|:-:|", True), (b"| - | - |", True), (b"|-:|-:|x", False), (b"||", False), (b": :", False),
    ],
)  # fmt: skip
def test_a_ruler(line: bytes, expected: bool) -> None:  # noqa: FBT001 - what is expected
    """A ruler holds marks alone, three of its lines' in a row, or one between pipes."""
    assert is_ruler(line) is expected
