"""Rosters: lists of identifiers as CSV with a header, NDJSON or plain lines, read as a stream, one line at a time."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import TypeVar

from lookup import wire
from lookup.errors import InvalidInput
from lookup.intake import SPELLINGS, TEXT_KEPT, Entry, identify
from lookup.model import PART_LIMIT, Invalid, Json

LINE_BYTES = 4096
DELIMITERS = (",", ";", "\t")  # spreadsheets of many countries write semicolons
JSON_OBJECT = re.compile(r'\s*\{\s*["}]')  # the opening of one; `{5e7d-…}` is a plain id
JSON_STRING = re.compile(r'\s*"([^"\\]|\\.)*"\s*')
ReadLine = Callable[[str], object]
T = TypeVar("T")


def entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Read a roster's lines; blank lines are skipped, unreadable ones are `Invalid` with their number.

    The first line tells the format: a CSV header with a column `customer_id`, `id`, `moengage_id` or `identifier`
    (its type in `identifier_type`), NDJSON (strings, or objects with the same keys), or else one customer id a line.
    Raises `InvalidInput` when the first line has several cells and none of them is such a column.
    """
    ended = enumerate(map(_without_end, lines), 1)
    numbered = ((number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line) for number, line in ended)
    filled = ((number, line) for number, line in numbered if line.strip())
    first = next(filled, None)
    if first is None:
        return
    read, is_header = reader_of(first[1])
    rest = filled if is_header else chain([first], filled)
    for number, line in rest:
        yield entry_of(read, line, number)


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def reader_of(opening_line: bytes) -> tuple[ReadLine, bool]:
    """Choose how to read a line by the first one; tell whether that is a header, not an entry.

    Raises `InvalidInput` when it has several cells and none of them is a usable column.
    """
    opening = " ".join(opening_line[:LINE_BYTES].decode("utf-8", "replace").splitlines())
    if JSON_OBJECT.match(opening):
        return _read_json, False
    for delimiter in DELIMITERS:
        header = [name.strip().lower() for name in _cells(opening, delimiter)]
        if "identifier" in header or any(spelling in header for spelling in SPELLINGS):
            return _csv_reader(header, delimiter), True
    if JSON_STRING.fullmatch(opening):
        return _read_json, False
    if len(_cells(opening, ",")) > 1:
        raise InvalidInput("roster", "has no column customer_id, id, moengage_id, or identifier with identifier_type")
    return str, False


def _cells(line: str, delimiter: str, *, strict: bool = False) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, strict=strict), [])


def _csv_reader(header: list[str], delimiter: str) -> ReadLine:
    pair = {"identifier", "identifier_type"} <= set(header)
    typed = None if pair else next((spelling for spelling in SPELLINGS if spelling in header), None)
    column = header.index(typed or "identifier")
    kind_column = header.index("identifier_type") if pair else None

    def read(line: str) -> object:
        cells = _cells(line, delimiter, strict=True)
        if any(cells[len(header) :]):  # a delimiter that is not quoted: no telling which cell is which
            raise ValueError
        kind = cells[kind_column].strip() if kind_column is not None else (typed or "customer_id")
        return {"identifier_type": kind, "identifier": cells[column]}

    return read


def invalid_line(one: Invalid) -> Json:
    """Write something unusable that came inline so that it is read back as such, whatever its text looks like."""
    return {"invalid": {"text": one.text, "reason": one.reason, "identifier_type": one.identifier_type}}


def _kept_invalid(value: Json) -> Invalid | None:
    match value:
        case {"invalid": {"text": str(text), "reason": str(reason), "identifier_type": str(kind)}}:
            return Invalid(text[:TEXT_KEPT], reason[:TEXT_KEPT], kind[:TEXT_KEPT])
    return None


def _read_json(line: str) -> object:
    """Read a JSON line; `{"customer_id": "C-1"}` is short for the object that names the type."""
    value = wire.loads(line)
    kept = _kept_invalid(value)
    if kept is not None:
        return kept
    if isinstance(value, Mapping) and "identifier" not in value:
        spelling = next((spelling for spelling in SPELLINGS if spelling in value), None)
        if spelling is None:
            raise ValueError
        return {"identifier_type": spelling, "identifier": value[spelling]}
    return value


def entry_of(read: ReadLine, line: bytes, number: int) -> Entry:
    """Read one line; what cannot be read is `Invalid` with its number."""
    shown = line[:TEXT_KEPT].decode("utf-8", "replace")
    if len(line) > LINE_BYTES:
        return Invalid(shown, f"line is over {LINE_BYTES} bytes", line=number)
    try:
        value = read(line.decode("utf-8"))
        return replace(value, line=number) if isinstance(value, Invalid) else identify(value, line=number)
    except UnicodeDecodeError:
        return Invalid(shown, "line is not UTF-8", line=number)
    except (ValueError, IndexError, csv.Error):
        return Invalid(shown, "line is not readable in the roster's format", line=number)


def in_parts(items: Iterable[T], size: int = PART_LIMIT) -> Iterator[list[T]]:
    """Cut a stream into lists of `size`, the last one shorter."""
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
