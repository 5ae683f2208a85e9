"""Rosters by byte range: the parts, one after another, hold exactly what the whole roster holds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.local.roster import entries
from lookup.errors import InvalidInput
from lookup.ledger.model import FeedingStep
from lookup.model import RosterRange
from lookup.rosters import reader as roster_reader
from lookup.rosters.formats.lines import LINE_BYTES, lines
from lookup.rosters.reader import RosterReader
from lookup.validation import ParsedIdentifier, partition
from tests.lookup.rosters.reading import Objects, merged, spec_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEADERS = [b"customer_id\n", b"name;identifier;identifier_type\r\n", b'{"id": "M-1"}\n', b"\n\ncustomer_id\n", b""]
OPENINGS = [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"]
PIECES = st.sampled_from([b"C-1", b"user-22", b";", b",", b'"', b"\r", b"\n", b"\r\n", b"\n\n", b" ", b"\xff", b"x"])
LINES = st.lists(PIECES, max_size=30).map(b"".join)
STEP = 2 * LINE_BYTES  # of these tests
LONG = [LINE_BYTES - 1, LINE_BYTES, LINE_BYTES + 1, LINE_BYTES + 2, 70_000]


def reader(body: bytes, size: int) -> RosterReader:
    return RosterReader(cast("S3Client", Objects(body)), "bucket", part_size=size, step_bytes=STEP)


def segments(body: bytes, size: int) -> list[FeedingStep]:
    spec, position, line, read = spec_of(body), 0, 1, list[FeedingStep]()
    while segment := reader(body, size).next_step(
        spec, position=position, line=line, number=f"{len(read)}", fed_at=1.0
    ):
        read.append(segment)
        position, line = segment.origin.end, segment.next_line
    return read


def whole(body: bytes) -> list[ParsedIdentifier] | str:
    try:
        return list(entries([body]))
    except InvalidInput as error:
        return str(error)


def in_pieces(body: bytes, size: int) -> tuple[list[ParsedIdentifier], list[ParsedIdentifier]] | str:
    """Read valid and invalid entries part by part, or the error."""
    try:
        parts = [segment.part for segment in segments(body, size)]
    except InvalidInput as error:
        return str(error)
    return [one for part in parts for one in part.identifiers], [one for part in parts for one in part.invalid]


def assert_same(body: bytes, size: int) -> None:
    expected = whole(body)
    found = in_pieces(body, size)
    assert found == (expected if isinstance(expected, str) else tuple(map(list, partition(expected))))


@given(st.sampled_from(OPENINGS), st.sampled_from(HEADERS), LINES, st.integers(1, 100))
@example(b"", b"", b"C-1\r\r\nC-2", 1)
@example(b"\xef\xbb\xbf\n", b"customer_id\n", b"C-1\n", 1)
def test_parts_hold_what_the_roster_holds(opening: bytes, header: bytes, body: bytes, size: int) -> None:
    """For any bytes and any size of parts the same entries come, in order, with the same numbers of lines."""
    assert_same(opening + header + body, size)


@given(st.binary(max_size=60), st.integers(1, 4))
def test_any_bytes(body: bytes, size: int) -> None:
    """The same for bytes of any kind."""
    assert_same(body, size)


@pytest.mark.parametrize("length", LONG)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\rC-9\n", b""])
@pytest.mark.parametrize("lead", [b"", b"user-1," * 9350])
def test_lines_over_four_kilobytes(length: int, end: bytes, lead: bytes) -> None:
    """A long line is one invalid entry, wherever chunks end, and reading goes on behind it."""
    body = b"customer_id,note\n" + lead + b"\nC-1," + b"n" * (length - 4) + end + b"C-2,\n"
    assert_same(body, 1)


@given(LINES, st.lists(st.integers(0, 60), max_size=6))
def test_chunks_make_no_difference(body: bytes, cuts: list[int]) -> None:
    """However bytes come in chunks, the lines are the same and their lengths add up to the whole."""
    marks = [0, *sorted(cuts), len(body)]
    chunks = [body[start:end] for start, end in pairwise(marks)]
    read = list(lines(chunks))
    assert merged(read) == merged(lines([body]))
    assert sum(line.length for line in read) == len(body)


@given(LINES, st.integers(1, 3))
def test_a_part_read_again_is_the_same(body: bytes, size: int) -> None:
    """From its origin alone a part is read again just as it was."""
    body = b"customer_id\n" + body
    for segment in filter(lambda one: one.entries, segments(body, size)):
        again = reader(body, size).reread_step(
            spec_of(body), segment.origin, number=segment.part.number, fed_at=segment.part.fed_at
        )
        assert again == segment


def test_a_retry_keeps_its_round() -> None:
    """A part that is retried carries its round."""
    segment = reader(b"C-1\nC-2\n", 1).reread_step(
        spec_of(b"C-1\nC-2\n"), RosterRange(0, 4, 1, 3), number="1", fed_at=1.0
    )
    assert segment is not None
    assert segment.part.origin == RosterRange(0, 4, 1, 3)


def test_a_part_reads_one_chunk() -> None:
    """A part of a huge roster costs its chunk and the opening's, never the whole."""
    objects = Objects(b"".join(b"user-%d\n" % number for number in range(100_000)))
    reader = RosterReader(cast("S3Client", objects), "bucket")
    position = objects.body.index(b"user-50000\n")
    segment = reader.next_step(spec_of(objects.body), position=position, line=50_001, number="1", fed_at=1.0)
    assert segment is not None
    assert [segment.part.identifiers[0].identifier, segment.entries, segment.next_line] == ["user-50000", 100, 50_101]
    assert objects.read <= 2 * roster_reader.CHUNK


@pytest.mark.parametrize("blanks", [b"\n" * (5 * STEP), b" \r\n" * STEP, b" " * (4 * STEP) + b"\n"])
def test_blank_lines_are_passed_in_bounded_steps(blanks: bytes) -> None:
    """Many bytes without an entry are segments without one, which move on; none reads more than its bound of bytes."""
    body = b"C-1\n" + blanks + b"C-2\n"
    assert_same(body, 1)
    assert [one.entries for one in segments(body, 1)].count(0) >= 2
    assert_bounded(body)


def test_an_endless_line_is_one_invalid_entry_read_in_bounded_steps() -> None:
    """One line over several steps is invalid once, the line behind it has its number, and no step reads it whole."""
    body = b"C-1\n" + b"x" * (3 * STEP + 17) + b"\nC-2\n" + b"y" * (2 * STEP)
    assert_same(body, 100)
    assert [one.line for part in segments(body, 100) for one in part.part.invalid] == [2, 4]
    assert_bounded(body)


@given(st.lists(st.sampled_from([b"C-1\n", b"\n" * 4000, b"z" * 7000, b"\n", b"\r\n", b" "]), max_size=60))
def test_steps_make_no_difference(pieces: list[bytes]) -> None:
    """However blank and endless lines fall on the bounds of steps, the same entries come, with their lines."""
    assert_same(b"customer_id\n" + b"".join(pieces), 2)


def assert_bounded(body: bytes) -> None:
    """Assert that each step reads its bound, the byte before it and the opening at most, and is read again the same."""
    for segment in segments(body, 1):
        origin, objects = segment.origin, Objects(body)
        fresh = RosterReader(cast("S3Client", objects), "bucket", part_size=1, step_bytes=STEP)
        again = fresh.next_step(spec_of(body), position=origin.start, line=origin.line, number="0", fed_at=1.0)
        assert again is not None
        assert again.origin == origin
        assert objects.read <= min(roster_reader.CHUNK, len(body)) + STEP + 2
        same = fresh.reread_step(spec_of(body), origin, number=segment.part.number, fed_at=1.0)
        assert same == (segment if segment.entries else None)
