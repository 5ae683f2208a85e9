"""Rosters in every dialect that is read: the parts hold the identifiers that were written, however they are cut."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lookup.model import Identifier
from lookup.rosters.formats.columns import meaning_of
from lookup.rosters.formats.lines import lines, rows
from lookup.rosters.formats.parsing import STRAY
from lookup.validation import parse_identifier
from tests.lookup.rosters.reading import customers, merged, read, segments

Writer = Callable[[Sequence[str]], bytes]
ANY = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff"), min_size=2, max_size=20
)
AWKWARD = st.sampled_from(
    ['a"b', '"a"', "a,b", "a;b", " a ", "a|b", "[x]", '{"id":"x"}', "<x>", "a''b", "1e3", "sep=;", "-- x", "ä€😀"]
)
IDS = (ANY | AWKWARD).filter(lambda text: isinstance(parse_identifier(text), Identifier) and meaning_of(text) is None)
NOTES = st.sampled_from(["", "x", 'say "hi"', "two\nlines", "\r\n", '"\n"', "a;b,c\td|e", "customer", "\n\nC-1\n", " "])
ENDS = ("\n", "\r\n", "\r")


def table(
    delimiter: str, end: str, *, header: str = "Customer ID", hint: bool = False, quoting: int = csv.QUOTE_MINIMAL
) -> Writer:
    """Write a table with notes around the identifiers, which hold line breaks and delimiters."""

    def write(ids: Sequence[str], notes: Sequence[str] = ("",)) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]  # one of the constants
        writer.writerow(["note", header, "more"])
        for number, one in enumerate(ids):
            note = notes[number % len(notes)]
            writer.writerow([note, one, note])
            if number % 3 == 0:
                writer.writerow(["", "", ""])
        return (f"sep={delimiter}{end}" if hint else "").encode() + text.getvalue().encode()

    return write


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


DIALECTS: dict[str, Writer] = {
    **{f"CSV {delimiter!r} {end!r}": table(delimiter, end) for delimiter in ",;\t|" for end in ENDS},
    **{f"CSV, all quoted {end!r}": table(";", end, quoting=csv.QUOTE_ALL) for end in ENDS},
    "CSV, hint": table("^", "\r\n", hint=True, header="uid"),
    "NDJSON": lambda ids: b"".join(json.dumps({"customerId": one}).encode() + b"\n" for one in ids),
    "NDJSON, CR": lambda ids: b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\r" for one in ids),
    "JSON, one line": lambda ids: json.dumps(ids, ensure_ascii=False).encode(),
    "JSON, pretty": lambda ids: pretty([{"tags": [["a"], {"b": "]"}], "Customer ID": one} for one in ids]),
    "JSON, around": lambda ids: pretty({"count": len(ids), "meta": {"x": ["y"]}, "users": list(ids), "next": None}),
    "JSON, one after another": lambda ids: b"\n".join(pretty({"customer_id": one, "n": {}}) for one in ids),
    "JSON, joined lists": lambda ids: b"\n".join(codecs.BOM_UTF8 + json.dumps([one]).encode() for one in ids),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=30)
@given(ids=st.lists(IDS, min_size=1, max_size=12), size=st.integers(1, 5), packed=st.booleans())
def test_what_is_written_is_read(name: str, ids: list[str], size: int, *, packed: bool) -> None:
    """Any identifiers, written in any dialect by the common means, are read part by part the same and in order."""
    assume(not ids[0].startswith("sep="))  # the first line of all would be a hint without a header, and refused
    body = DIALECTS[name](ids)
    assert read(gzip.compress(body, mtime=0) if packed else body, size) == customers(*ids)


@given(
    ids=st.lists(IDS, min_size=1, max_size=12),
    notes=st.lists(NOTES, min_size=1, max_size=5),
    size=st.integers(1, 5),
    dialect=st.sampled_from([(delimiter, end, quoting) for delimiter in ",;\t|" for end in ENDS for quoting in (0, 1)]),
)
def test_notes_with_line_breaks(ids: list[str], notes: list[str], size: int, dialect: tuple[str, str, int]) -> None:
    """Whatever other columns hold, line breaks and delimiters too, no part of it is taken for an identifier."""
    delimiter, end, quoting = dialect
    notes = [note.replace("\r\n", "\n").replace("\n", end) for note in notes]  # Python's writer quotes no other ends
    write = table(delimiter, end, quoting=quoting)
    assert read(write(ids, notes), size) == customers(*ids)  # type: ignore[call-arg]  # of tables only


@given(
    ids=st.lists(IDS.filter(lambda one: not STRAY.match(one)), max_size=12),
    ends=st.lists(st.sampled_from(ENDS), min_size=1),
)
def test_plain_lines_of_any_ends(ids: list[str], ends: list[str]) -> None:
    """Plain lines may end in CR, LF and CRLF, each line in its own."""
    ids = ["C-1", *ids]
    body = "".join(one + ends[number % len(ends)] for number, one in enumerate(ids))
    assert read(body.encode(), 3) == customers(*ids)


PIECES = st.sampled_from(
    [b"C-1", b"x", b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\xef\xbb\xbf", b"\xff", b"customer_id"]
)


@given(body=st.lists(PIECES, max_size=40).map(b"".join), size=st.integers(1, 4), cut=st.integers(1, 7))
def test_any_bytes_behind_a_header(body: bytes, size: int, cut: int) -> None:
    """Of any bytes every part is read again the same, the parts follow one another, and chunks make no difference."""
    whole = b"customer_id,note\n" + body
    read_segments = segments(whole, size)
    ends = [0, *(one.origin.end for one in read_segments)]
    assert [one.origin.start for one in read_segments] == ends[:-1]
    assert ends[-1] == len(whole)
    chunks = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    assert merged(rows(lines(chunks), b",")) == merged(rows(lines([whole]), b","))


@settings(max_examples=5, deadline=None)
@given(
    step=st.integers(70_000, 90_000),
    pieces=st.lists(
        st.sampled_from(
            [b"C-1,x\n", b'C-2,"' + b"n\n" * 9_000 + b'"\n', b"\n" * 50_000, b"C-3," + b"y" * 99_000 + b"\n"]
        ),
        max_size=12,
    ),
)
def test_steps_make_no_difference_to_rows(step: int, pieces: list[bytes]) -> None:
    """However long rows and blank lines fall on the bounds of steps, the same entries come with the same lines."""
    body = b"customer_id,note\n" + b"".join(pieces)
    parts = [one.part for one in segments(body, 1, step) if one.entries]
    expected = [one.part for one in segments(body, 1) if one.entries]
    assert [(one.identifiers, one.invalid) for one in parts] == [(one.identifiers, one.invalid) for one in expected]


@given(st.lists(IDS, min_size=1, max_size=12), st.integers(1, 300))
def test_a_truncated_list_requests_no_fragment(ids: list[str], at: int) -> None:
    """Wherever JSON ends too early behind the start, only whole entries of it are requested, in order."""
    begin = b'["C-1",' + b" " * 66_000
    found = [one for one in read(begin + json.dumps(ids, indent=1).encode()[1:][:at]) if isinstance(one, Identifier)]
    assert found == customers("C-1", *ids)[: len(found)]
