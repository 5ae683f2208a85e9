"""Bytes cut into lines, or into rows of CSV whose quoted cells may hold line breaks; never more than a row is kept."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LINE_BYTES = 4096  # of a line that can be read
OPEN_BYTES = 64 * 1024  # within which a quoted cell must end: else nothing tells where the next row begins
_QUOTE = b'"'
_OPENING = re.compile(rb' *"')  # some writers put a space before it; the row is then refused, but cut where it ends
_CLOSING = re.compile(rb'(?:[^"]|"")*+"(?!") *')


class Line(NamedTuple):
    """One line or row without its end, its whole length in bytes, and whether its end was seen.

    `breaks` is how many line ends it spans, its own included. `is_last` says that nothing behind it can be read: a
    quoted cell in it does not end, or not as CSV says.
    """

    text: bytes
    length: int
    is_ended: bool
    breaks: int = 1
    is_last: bool = False


def lines(chunks: Iterable[bytes], *, keep: int = LINE_BYTES, any_end: bool = False) -> Iterator[Line]:
    """Cut bytes into lines; of the last one the end may be missing.

    Lines end in LF or CRLF; with `any_end` in a lone CR too. What is over `keep` bytes is cut off soon after: two bytes
    are kept, so that it stays too long without a CR at its end.
    """
    kept, length = b"", 0
    for piece, is_ended in _pieces(chunks, any_end=any_end):
        kept, length = (kept + piece)[: keep + 2], length + len(piece)
        if is_ended:
            yield Line(_without_end(kept), length, is_ended=True)
            kept, length = b"", 0
    if length:
        yield Line(_without_end(kept), length, is_ended=False, breaks=0)


def unmarked(text: bytes) -> bytes:
    """Drop byte order marks before a line, as files that are joined have them."""
    while text.startswith(codecs.BOM_UTF8):
        text = text.removeprefix(codecs.BOM_UTF8)
    return text


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _pieces(chunks: Iterable[bytes], *, any_end: bool) -> Iterator[tuple[bytes, bool]]:
    """Cut chunks where lines end; tell of each piece whether it ends its line."""
    held = b""
    for chunk in chunks:
        if any_end:
            data = held + chunk
            held = data[-1:] if data.endswith(b"\r") else b""  # LF may follow in the next chunk
            whole = data[: len(data) - len(held)]
            yield from ((piece, piece[-1:] in b"\r\n") for piece in whole.splitlines(keepends=True))
        else:
            *ended, rest = chunk.split(b"\n")
            yield from ((piece + b"\n", True) for piece in ended)
            if rest:
                yield rest, False
    if held:
        yield held, False


def rows(cut: Iterable[Line], delimiter: bytes) -> Iterator[Line]:
    """Join lines into rows of CSV: a line break within quotes ends none.

    A row that spans lines must be written as CSV says, and its quoted cells must end within 64 KB: else it is the last.
    """
    row = _Row()
    for line in cut:
        is_open = _is_open(line.text if row.lines else unmarked(line.text), delimiter, inside=bool(row.lines))
        row.add(line)
        if is_open and row.length <= OPEN_BYTES:
            continue
        is_broken = is_open is None and (len(row.lines) > 1 or line.text.count(_QUOTE) % 2 == 1)
        yield row.joined(is_last=bool(is_open) or is_broken)
        if is_open or is_broken:
            return
        row = _Row()
    if row.lines:
        yield row.joined(is_last=True)._replace(is_ended=False)


class _Row:
    """The lines of a row, as far as they have come."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.length = 0

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.length += line.length

    def joined(self, *, is_last: bool) -> Line:
        breaks = sum(line.breaks for line in self.lines)
        text = b"\n".join(line.text for line in self.lines)
        return Line(text, self.length, self.lines[-1].is_ended, breaks, is_last)


def _is_open(text: bytes, delimiter: bytes, *, inside: bool) -> bool | None:
    """Tell whether a quoted cell is open where a line ends; None when something follows its closing quote."""
    if not inside and _QUOTE not in text:
        return False
    at = 0
    while at >= 0:
        opening = None if inside else _OPENING.match(text, at)
        if not inside and opening is None:
            at = _behind(delimiter, text.find(delimiter, at))
            continue
        closing = _CLOSING.match(text, at if opening is None else opening.end())
        if closing is None or closing.end() == len(text):
            return closing is None
        if not text.startswith(delimiter, closing.end()):
            return None
        at, inside = closing.end() + len(delimiter), False
    return False


def _behind(delimiter: bytes, at: int) -> int:
    """Give the place behind a delimiter, -1 when there is none."""
    return -1 if at < 0 else at + len(delimiter)
