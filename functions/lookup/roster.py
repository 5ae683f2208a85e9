"""Rosters: lists of identifiers as CSV with a header, NDJSON or plain lines, read as a stream, one line at a time."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from lookup import wire
from lookup.errors import InvalidInput
from lookup.intake import SPELLINGS, TEXT_KEPT, Entry, identify
from lookup.model import PART_LIMIT, Invalid

LINE_BYTES = 4096
ReadLine = Callable[[str], object]
T = TypeVar("T")


def entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Read a roster's lines; blank lines are skipped, unreadable ones are `Invalid` with their number.

    The first line tells the format. Raises `InvalidInput` when a CSV header names no usable column.
    """
    numbered = ((number, line.rstrip(b"\r\n")) for number, line in enumerate(lines, 1))
    filled = ((number, line) for number, line in numbered if line.strip())
    first = next(filled, None)
    if first is None:
        return
    opening = first[1].removeprefix(codecs.BOM_UTF8)
    read, is_header = _reader(opening)
    rest = filled if is_header else chain([(first[0], opening)], filled)
    for number, line in rest:
        yield _entry(read, line, number)


def _reader(opening: bytes) -> tuple[ReadLine, bool]:
    """Choose how to read a line; tell whether the opening line is a header, not an entry."""
    text = opening.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        return wire.loads, False
    header = [name.strip().lower() for name in next(csv.reader([text]))]
    if "identifier" in header or any(spelling in header for spelling in SPELLINGS):
        return _csv_reader(header), True
    if len(header) > 1:
        raise InvalidInput("roster", "has no column customer_id, id, moengage_id, or identifier with identifier_type")
    return str, False


def _csv_reader(header: list[str]) -> ReadLine:
    typed = next((spelling for spelling in SPELLINGS if spelling in header), None)
    column = header.index(typed or "identifier")
    kind_column = header.index("identifier_type") if typed is None and "identifier_type" in header else None

    def read(line: str) -> object:
        cells = next(csv.reader([line], strict=True))
        kind = cells[kind_column].strip() if kind_column is not None else (typed or "customer_id")
        return {"identifier_type": kind, "identifier": cells[column]}

    return read


def _entry(read: ReadLine, line: bytes, number: int) -> Entry:
    shown = line[:TEXT_KEPT].decode("utf-8", "replace")
    if len(line) > LINE_BYTES:
        return Invalid(shown, f"line is over {LINE_BYTES} bytes", line=number)
    try:
        return identify(read(line.decode("utf-8")), line=number)
    except UnicodeDecodeError:
        return Invalid(shown, "line is not UTF-8", line=number)
    except (ValueError, IndexError, csv.Error, RecursionError):
        return Invalid(shown, "line is not readable in the roster's format", line=number)


def in_parts(items: Iterable[T], size: int = PART_LIMIT) -> Iterator[list[T]]:
    """Cut a stream into lists of `size`, the last one shorter."""
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
