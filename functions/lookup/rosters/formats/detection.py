"""Detect the format of a roster by its opening: the one place that decides it, for checks, counts and reads."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.rosters.formats.columns import EXPECTED, Columns, columns_of, meaning_of
from lookup.rosters.formats.json_lists import shape_of
from lookup.rosters.formats.lines import LINE_BYTES, QUOTED_CELL_BYTES, Line, lines, rows, unmarked
from lookup.rosters.formats.signatures import is_ruler, names_columns, refuse_other_files, structure

OPENING_BYTES = 64 * 1024  # of a roster, by which its format is detected; a header must end within them
DELIMITERS = (",", ";", "\t", "|")  # spreadsheets of many countries write semicolons
HINT = re.compile(r'"?sep=(.)"?[,;\t|]*', re.IGNORECASE)  # what Excel writes before a header
JSON_OBJECT = re.compile(r'\{\s*(["}]|$)')  # the opening of one; `{5e7d-…}` is a plain id
JSON_ARRAY = re.compile(r'\[\s*(["{\[\]\d.tfn-]|$)')
WIKI_ROW = re.compile(r"\s*\|\|")  # its rows have fewer marks than its header: cells would be confused
JSON_STRING = re.compile(r'"([^"\\]|\\.)*"')
REPEATED_HEADER_SPARE = 64  # bytes that a repeated header may be longer, beside quotes and spaces
FIRST_END = re.compile(rb"\r\n|\r|\n")
MAX_TITLE_LINES = 20  # lines in which a header is looked for that is not the first line
SHOWN_LENGTH = 100  # characters of a refused first line that its sender is shown
NO_COLUMN = f"has no column {EXPECTED}"
OTHERWISE = "expected is CSV with such a header, JSON, or plain lines of one customer id each"


class Kind(StrEnum):
    """The format of entries."""

    PLAIN = "plain"
    NDJSON = "ndjson"
    CSV = "csv"
    JSON = "json"  # a list, an object around one, or objects over several lines: rewritten before it is read


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a CSV roster: its names, the columns of identifiers, and its normalized text."""

    names: tuple[str, ...]
    columns: Columns
    delimiter: str
    text: bytes
    hint: bytes | None = None

    @property
    def is_padded(self) -> bool:
        """Whether cells are padded with white space, which is then no part of identifiers."""
        name = self.names[self.columns.at].strip("\ufeff")
        return name != name.strip()

    def is_repeated(self, row: bytes) -> bool:
        """Return whether a row is this header again, or the hint before it, as joined files have them."""
        if len(row) > 2 * len(self.text) + REPEATED_HEADER_SPARE:
            return False
        bare = _squeezed(row)
        return bare == self.text or (self.hint is not None and bare == self.hint)

    def is_empty(self, row: bytes) -> bool:
        """Return whether a row has cells, but nothing in them."""
        return not row.strip(self.delimiter.encode() + b' "\t\r\n')


@dataclass(frozen=True, slots=True)
class Format:
    """The format of a roster. Lines up to `first_line` are no entries; with `any_end` CR ends lines too."""

    kind: Kind
    header: Header | None = None
    first_line: int = 0
    any_end: bool = True
    row_bytes: int = LINE_BYTES

    def cut(self, chunks: Iterable[bytes]) -> Iterator[Line]:
        """Yield the lines or rows of bytes that begin at the start of a line."""
        if self.header is None:
            return lines(chunks, any_end=self.any_end)
        cut = lines(chunks, keep=QUOTED_CELL_BYTES, any_end=self.any_end)
        return rows(cut, self.header.delimiter.encode())

    def ends(self, before: bytes, after: bytes) -> bool:
        """Return whether a line ends between two bytes."""
        return before == b"\n" or (self.any_end and before == b"\r" and after != b"\n")

    def content(self, line: Line, number: int) -> bytes | None:
        """Return the content of a line; None when it is no entry: blank, without cells, or the header (again)."""
        text = unmarked(line.text)
        if not text.strip() or number <= self.first_line:
            return None
        if self.header is not None and (self.header.is_empty(text) or self.header.is_repeated(text)):
            return None
        return text


PLAIN = Format(Kind.PLAIN)


def detect_format(opening: bytes) -> Format:
    """Return a roster's format by its first 64 KB. Raises `InvalidInput` naming what the first line shows instead."""
    refuse_other_files(opening)
    filled = _filled(opening)
    if not filled:
        return PLAIN
    number, raw = filled[0]
    first = _decoded(raw, number)
    _refuse_printed_table(filled, first)
    hint = HINT.fullmatch(first.strip("\ufeff \r\n"))
    if hint is not None:
        return _hinted_format(opening, filled, hint[1])
    if JSON_OBJECT.match(first.strip()) or JSON_ARRAY.match(first.strip()):
        _refuse_rows_of_json(filled)
        return _json_format(opening, first, number)
    found = _csv_format(opening, number, DELIMITERS)
    if found is not None:
        return found
    if JSON_STRING.fullmatch(first.strip()):
        if names_columns(first):
            raise _refused(f"{NO_COLUMN}: line {number} is a whole header within quotes", first)
        return Format(Kind.NDJSON)
    _refuse_structure(first, number)
    _refuse_late_header(filled)
    return PLAIN


def _filled(opening: bytes) -> list[tuple[int, bytes]]:
    """Return the first lines of an opening that are not blank, with their numbers and ends."""
    numbered = ((number, unmarked(line)) for number, line in enumerate(opening.splitlines(keepends=True), 1))
    return list(islice(((number, line) for number, line in numbered if line.strip()), MAX_TITLE_LINES))


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8", "strict" if line[-1:] in b"\r\n" else "ignore")
    except UnicodeDecodeError:
        raise InvalidInput("roster", f"is not UTF-8: line {number} is the first that is not") from None


def _hinted_format(opening: bytes, filled: list[tuple[int, bytes]], delimiter: str) -> Format:
    """Read the header after Excel's hint with the delimiter that the hint names."""
    if len(filled) == 1:
        raise InvalidInput("roster", "is empty but for the hint sep=")
    number, raw = filled[1]
    found = _csv_format(opening, number, (delimiter,)) if delimiter.isascii() and delimiter != '"' else None
    if found is None or found.header is None:
        raise _refused(f"{NO_COLUMN}: line {number} is the header", _decoded(raw, number))
    return replace(found, header=replace(found.header, hint=_squeezed(filled[0][1])))


def _csv_format(opening: bytes, number: int, delimiters: Iterable[str]) -> Format | None:
    """Read the line of that number as a header; None when no delimiter yields a known column."""
    rest = unmarked(b"".join(opening.splitlines(keepends=True)[number - 1 :]))
    for delimiter in delimiters:
        text, names = _header_row(rest, delimiter)
        columns = columns_of(names, f"line {number}")
        if columns is not None:
            header = Header(_named(names), columns, delimiter, _squeezed(text))
            is_cr_only = FIRST_END.search(opening) is not None and FIRST_END.search(opening)[0] == b"\r"  # type: ignore[index]  # found
            row_bytes = max(LINE_BYTES, min(QUOTED_CELL_BYTES, 4 * len(text)))
            return Format(Kind.CSV, header, number, is_cr_only or len(names) == 1, row_bytes)
    return None


def _named(names: list[str]) -> tuple[str, ...]:
    """Return the names without the unnamed columns at the end: a row with a cell in them is invalid."""
    last = max(place for place, name in enumerate(names) if name.strip())
    return tuple(names[: last + 1])


def _header_row(rest: bytes, delimiter: str) -> tuple[bytes, list[str]]:
    """Return the first row and its names; none when it is no row of CSV, or does not end."""
    row = next(rows(lines([rest], keep=QUOTED_CELL_BYTES, any_end=True), delimiter.encode()), None)
    if row is None or row.is_last or (not row.is_ended and row.length >= OPENING_BYTES - REPEATED_HEADER_SPARE):
        return b"", []
    try:
        return row.text, next(csv.reader([row.text.decode()], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return b"", []


def _json_format(opening: bytes, first: str, number: int) -> Format:
    """Distinguish lines of JSON from a document: the first line is then a whole object that names an identifier."""
    where = f"line {number}"
    try:
        value = exact_json.loads(first)
    except ValueError:
        value = None
    if isinstance(value, dict) and (_is_kept(value) or columns_of(list(value), where)):
        return Format(Kind.NDJSON)
    shape_of(opening, where)
    return Format(Kind.JSON)


def _refuse_printed_table(filled: list[tuple[int, bytes]], first: str) -> None:
    if len(filled) > 1 and is_ruler(filled[1][1].strip()):
        raise InvalidInput("roster", f"is a printed table (line {filled[1][0]} is a ruler): export it as CSV")
    if WIKI_ROW.match(first):
        raise InvalidInput("roster", f"is a wiki's table (line {filled[0][0]} begins with two pipes): export it as CSV")


def _refuse_rows_of_json(filled: list[tuple[int, bytes]]) -> None:
    """Refuse lines of lists, as `["C-1","Ann"]`: each may be the cells of a row, or a list of identifiers."""
    if len(filled) == 1 or not filled[1][1].lstrip().startswith(b"["):
        return
    try:
        row = exact_json.loads(filled[0][1])
    except ValueError:
        return
    if isinstance(row, list) and len(row) > 1 and not isinstance(row[0], dict | list):
        raise InvalidInput("roster", f"has a JSON list of several values in each line (see line {filled[0][0]})")


def _is_kept(value: dict[str, object]) -> bool:
    """Return whether a line is one that `invalid_line` wrote."""
    return list(value) == ["invalid"] and isinstance(value["invalid"], dict)


def _refuse_structure(first: str, number: int) -> None:
    shown = structure(first)
    if shown is not None:
        raise _refused(f"{NO_COLUMN}: line {number} shows {shown}", first)


def _refuse_late_header(filled: list[tuple[int, bytes]]) -> None:
    """Refuse a table whose header is not its first line: the lines above it would be read as identifiers."""
    for number, raw in filled[1:]:
        for delimiter in DELIMITERS:
            _, names = _header_row(raw, delimiter)
            if len(names) > 1 and any(meaning_of(name) for name in names):
                raise InvalidInput("roster", f"has a header in line {number}; it must be the first line")


def _refused(rule: str, first: str) -> InvalidInput:
    whole = f"{rule}; {OTHERWISE}"
    return InvalidInput("roster", whole, sender_rule=f"{whole}; it reads {first.strip()[:SHOWN_LENGTH]!r}")


def _squeezed(text: bytes) -> bytes:
    """Return a row normalized to compare headers."""
    return text.lower().translate(None, b'\xef\xbb\xbf "\t\r\n_-.')
