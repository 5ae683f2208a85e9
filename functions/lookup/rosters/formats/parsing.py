"""Parse rosters as a stream: CSV with a header, NDJSON, JSON lists or plain lines of identifiers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from lookup import exact_json
from lookup.model import Identifier, InvalidIdentifier, Json
from lookup.rosters.formats.columns import meaning_of
from lookup.rosters.formats.detection import DELIMITERS, OPENING_BYTES, Format, Header, Kind
from lookup.rosters.formats.json_lists import ENTRY_BYTES, NotReadable, shape_of, split
from lookup.rosters.formats.lines import Line
from lookup.rosters.formats.objects import parse_object
from lookup.rosters.formats.signatures import names_columns
from lookup.validation import BLOCKED_CUSTOMER_IDS, EXCERPT_LENGTH, ParsedIdentifier, parse_identifier

UNREADABLE = "line is not readable in the roster's format"
COLUMN_NAME = "line is the name of a column"
OTHER_HEADER = "line is another header: joined files must have the same columns"
NOT_UTF8 = "line is not UTF-8"
NOT_CLOSED = "a quoted cell in this row does not end as CSV says; what follows it in the file is not read"
LINE_KEY_TWICE = "line has a key twice in one object"
ENTRY_KEY_TWICE = "entry has a key twice in one object"
ENTRY_NO_JSON = "entry is not readable as JSON in UTF-8"
CUT_OFF = "the JSON is not readable from here on"
TOTAL = r"\d+ rows?( affected)?\)|\d+ rows? (affected|selected|returned|in set)\.?( \(\d+[.,]\d+ sec\))?"
MARKS = re.compile(rf"\\[N.]|\({TOTAL}")  # of databases: no value, the end, the number of rows
STRAY = re.compile(r'\s*("|\{\s*"|\[\s*["\[{]|<[!?/A-Za-z][^<]*>)|.*"\s*$', re.DOTALL)  # in a list of plain lines


def peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first 64 KB, for detection, and all chunks, those included."""
    remaining, read, size = iter(chunks), list[bytes](), 0
    for chunk in remaining:
        read.append(chunk)
        size += len(chunk)
        if size >= OPENING_BYTES:
            break
    return b"".join(read)[:OPENING_BYTES], chain(read, remaining)


def numbered_entries(written: Format, chunks: Iterable[bytes]) -> Iterator[tuple[Line, ParsedIdentifier]]:
    """Yield the entries of bytes that begin with the roster, each with its line or row."""
    number = 1
    for line in written.cut(chunks):
        entry = parse_line(written, line, number)
        if entry is not None:
            yield line, entry
        number += line.breaks


def parse_line(written: Format, line: Line, number: int) -> ParsedIdentifier | None:
    """Parse one line; None when it is no entry. An unreadable one is `InvalidIdentifier` with its number."""
    content = written.content(line, number)
    if content is None:
        return None
    entry = _unreadable(written, line, content) or _read(written, content)
    return entry if isinstance(entry, Identifier) else replace(entry, line=number)


def _unreadable(written: Format, line: Line, content: bytes) -> InvalidIdentifier | None:
    if line.is_last:
        return InvalidIdentifier(_shown(content), NOT_CLOSED if line.is_ended or b"\n" in content else UNREADABLE)
    return None if len(content) <= written.row_bytes else _over(content, written.row_bytes)


def _over(content: bytes, limit: int) -> InvalidIdentifier:
    return InvalidIdentifier(_shown(content), f"line is over {limit} bytes")


def _shown(content: bytes) -> str:
    return content[:EXCERPT_LENGTH].decode("utf-8", "replace")


def _read(written: Format, content: bytes) -> ParsedIdentifier:
    try:
        return _READERS[written.kind](content.decode("utf-8"), written.header)
    except UnicodeDecodeError:
        return InvalidIdentifier(_shown(content), NOT_UTF8)
    except exact_json.RepeatedKey:
        return InvalidIdentifier(_shown(content), LINE_KEY_TWICE)
    except (ValueError, IndexError, csv.Error):
        return InvalidIdentifier(_shown(content), UNREADABLE)


def _plain(text: str, _: Header | None) -> ParsedIdentifier:
    entry = parse_identifier(text)
    if isinstance(entry, Identifier) and (STRAY.match(text) or MARKS.fullmatch(text.strip())):
        raise ValueError
    if isinstance(entry, Identifier) and meaning_of(text) is not None:
        return InvalidIdentifier(text[:EXCERPT_LENGTH], COLUMN_NAME)
    if any(mark in text for mark in DELIMITERS) and names_columns(text):
        return InvalidIdentifier(text[:EXCERPT_LENGTH], OTHER_HEADER)
    return entry


def _row(text: str, header: Header | None) -> ParsedIdentifier:
    if header is None:
        raise ValueError
    cells = next(csv.reader([text], delimiter=header.delimiter, strict=True), [])
    if any(cells[len(header.names) :]):  # an unquoted delimiter: the cells are ambiguous
        raise ValueError
    columns = header.columns
    value = cells[columns.at]
    if ('"' in value and not _is_quoted_well(text, header.delimiter)) or MARKS.fullmatch(value.strip()):
        raise ValueError
    if len(header.names) == 1 and text[:1] != '"' and any(mark in value for mark in DELIMITERS):
        raise ValueError  # it is written with another delimiter than its header, or with more cells
    if header.is_padded:
        value = value.strip()
    kind = columns.identifier_type if columns.type_at is None else cells[columns.type_at].strip()
    if any(_names_a_column(cell) for at, cell in enumerate(cells) if at not in {columns.at, columns.type_at}):
        return InvalidIdentifier(value[:EXCERPT_LENGTH], OTHER_HEADER)
    if _names_a_column(value) and value not in BLOCKED_CUSTOMER_IDS:
        return InvalidIdentifier(value[:EXCERPT_LENGTH], COLUMN_NAME)
    return parse_identifier({"identifier_type": kind, "identifier": value.removeprefix("\ufeff")})


def _names_a_column(cell: str) -> bool:
    """Return whether a cell can only be of a header: `ID` may be a country, and `uid` is a blocked identifier."""
    is_name = len(cell) < EXCERPT_LENGTH and meaning_of(cell) in {"customer_id", "identifier"}
    return is_name and cell.strip().lower() != "uid"


def _is_quoted_well(text: str, delimiter: str) -> bool:
    """Return whether every quote of a row is one that CSV knows: around a whole cell, or doubled within."""
    mark = re.escape(delimiter)
    cell = rf'(?:"(?:[^"]|"")*+"|[^"{mark}]*+)'
    return re.fullmatch(rf"{cell}(?:{mark}{cell})*+", text) is not None


def invalid_line(one: InvalidIdentifier) -> Json:
    """Return the JSON of an invalid inline entry, which is parsed as invalid whatever its text."""
    return {"invalid": {"text": one.excerpt, "reason": one.reason, "identifier_type": one.identifier_type}}


def entry_line(one: ParsedIdentifier) -> bytes:
    """Return an entry as a line of NDJSON that is parsed to the same entry."""
    if isinstance(one, Identifier):
        return exact_json.dumps({"identifier_type": one.identifier_type.value, "identifier": one.identifier}) + b"\n"
    return exact_json.dumps(invalid_line(one)) + b"\n"


def _kept_invalid(value: Json) -> InvalidIdentifier | None:
    match value:
        case {"invalid": {"text": str(text), "reason": str(reason), "identifier_type": str(kind)}}:
            return InvalidIdentifier(text[:EXCERPT_LENGTH], reason[:EXCERPT_LENGTH], kind[:EXCERPT_LENGTH])
    return None


def _json_line(text: str, _: Header | None) -> ParsedIdentifier:
    """Parse a JSON line; `{"customer_id": "C-1"}` is short for the object that names the type."""
    value = exact_json.loads_unique(text)
    kept = _kept_invalid(value)
    if kept is not None:
        return kept
    if isinstance(value, Mapping) and not any(map(meaning_of, value)):
        raise ValueError
    return parse_object(value)


_READERS = {Kind.PLAIN: _plain, Kind.NDJSON: _json_line, Kind.CSV: _row}


def json_entries(opening: bytes, chunks: Iterable[bytes]) -> Iterator[ParsedIdentifier]:
    """Yield the entries of a JSON document; the line of an `InvalidIdentifier` is its number in the list.

    An unreadable rest is one `InvalidIdentifier`.
    """
    number = 0
    try:
        for number, text in enumerate(split(chunks, shape_of(opening, "its opening")), 1):
            entry = _json_entry(text)
            yield entry if isinstance(entry, Identifier) else replace(entry, line=number)
    except NotReadable:
        yield InvalidIdentifier("", CUT_OFF, line=number + 1)


def _json_entry(text: bytes) -> ParsedIdentifier:
    if len(text) > ENTRY_BYTES:
        return _over(text, ENTRY_BYTES)
    try:
        return parse_object(exact_json.loads_unique(text))
    except exact_json.RepeatedKey:
        return InvalidIdentifier(_shown(text), ENTRY_KEY_TWICE)
    except ValueError:
        return InvalidIdentifier(_shown(text), ENTRY_NO_JSON)
