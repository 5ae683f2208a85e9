"""Split bytes into lines, or into rows of CSV whose quoted cells may hold line breaks; at most one row is buffered."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LINE_BYTES = 4096  # of a line that can be read
QUOTED_CELL_BYTES = 64 * 1024  # within which a quoted cell must end: otherwise the start of the next row is unknown
SPARSE_LINE_BYTES = 8  # bytes a line, on average of a chunk, under which runs of blank lines are looked for
_QUOTE = b'"'
# Runs of blank lines in one step: they must cost no more per byte than identifiers.
_BLANK = rb"(?:[ \t]*+\r?\n){2,}+"
_BLANK_ANY_END = rb"(?:[ \t]*+(?:\r\n?|\n)){2,}+"
_ONE = rb"[^\n]*+\n|[^\n]++"
_ONE_ANY_END = rb"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++"
_LINE, _LINE_ANY_END = re.compile(_ONE), re.compile(_ONE_ANY_END)
_PIECE, _PIECE_ANY_END = re.compile(_BLANK + b"|" + _ONE), re.compile(_BLANK_ANY_END + b"|" + _ONE_ANY_END)
_OPENING = re.compile(rb' *"')  # some writers put a space before it; the row is then invalid, but ends correctly
_CLOSING = re.compile(rb'(?:[^"]|"")*+"(?!") *')


class Line(NamedTuple):
    """One line or row without its end, its whole length in bytes, and whether its end was seen.

    A run of blank lines may come as one, its ends within written as LF. `breaks` is how many line ends it spans, its
    own included. `is_last` says that nothing behind it can be read: a quoted cell does not end, or not as CSV says.
    """

    text: bytes
    length: int
    is_ended: bool
    breaks: int = 1
    is_last: bool = False


def lines(chunks: Iterable[bytes], *, keep: int = LINE_BYTES, any_end: bool = False) -> Iterator[Line]:
    """Yield the lines of bytes; the end of the last one may be missing.

    Lines end in LF or CRLF; with `any_end` in a lone CR too. What is over `keep` bytes is cut off soon after: two bytes
    are kept, so that it stays too long without a CR at its end.
    """
    kept, length = b"", 0
    for piece, breaks in _pieces(chunks, any_end=any_end):
        if breaks > 1:
            yield Line(_without_end(_with_lf(piece)), len(piece), is_ended=True, breaks=breaks)
            continue
        kept, length = (kept + piece)[: keep + 2], length + len(piece)
        if breaks:
            yield Line(_without_end(kept), length, is_ended=True)
            kept, length = b"", 0
    if length:
        yield Line(_without_end(kept), length, is_ended=False, breaks=0)


def unmarked(text: bytes) -> bytes:
    """Return a line without byte order marks, which joined files have."""
    while text.startswith(codecs.BOM_UTF8):
        text = text.removeprefix(codecs.BOM_UTF8)
    return text


def _with_lf(blank: bytes) -> bytes:
    return blank.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _pieces(chunks: Iterable[bytes], *, any_end: bool) -> Iterator[tuple[bytes, int]]:
    """Yield pieces that end with lines, each with its number of line ends, several only in a blank run."""
    held, is_open = b"", False
    for chunk in chunks:
        data = held + chunk
        held = data[-1:] if any_end and data.endswith(b"\r") else b""  # LF may follow in the next chunk
        for piece, breaks in _cut(data[: len(data) - len(held)], any_end=any_end, is_open=is_open):
            yield piece, breaks
            is_open = not breaks
    if held:
        yield held, 0


def _cut(data: bytes, *, any_end: bool, is_open: bool) -> Iterator[tuple[bytes, int]]:
    """Split one chunk; its beginning belongs to the line before when that `is_open`."""
    if _breaks(data, any_end=any_end) * SPARSE_LINE_BYTES < len(data):
        yield from _dense(data, any_end=any_end)
        return
    pieces = _PIECE_ANY_END if any_end else _PIECE
    at = 0
    if is_open and (rest := (_LINE_ANY_END if any_end else _LINE).match(data)) is not None:
        yield rest[0], int(rest[0][-1:] in {b"\n", b"\r"})
        at = rest.end()
    for found in pieces.finditer(data, at):
        yield found[0], _breaks(found[0], any_end=any_end)


def _dense(data: bytes, *, any_end: bool) -> Iterator[tuple[bytes, int]]:
    """Split a chunk of typical lines, for which the built-in methods are the fastest."""
    if any_end:
        yield from ((piece, int(piece[-1:] in b"\r\n")) for piece in data.splitlines(keepends=True))
        return
    *ended, rest = data.split(b"\n")
    yield from ((piece + b"\n", 1) for piece in ended)
    if rest:
        yield rest, 0


def _breaks(data: bytes, *, any_end: bool) -> int:
    """Return the number of line ends."""
    if not any_end:
        return data.count(b"\n")
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def rows(cut: Iterable[Line], delimiter: bytes) -> Iterator[Line]:
    """Join lines to rows of CSV: a line break within quotes ends no row.

    A row that spans lines must be written as CSV says, and its quoted cells must end within 64 KB: else it is the last.
    """
    row = _Row()
    for line in cut:
        is_open = _is_open(line.text if row.lines else unmarked(line.text), delimiter, inside=bool(row.lines))
        row.add(line)
        if is_open and row.length <= QUOTED_CELL_BYTES:
            continue
        is_broken = is_open is None and (len(row.lines) > 1 or line.text.count(_QUOTE) % 2 == 1)
        yield row.joined(is_last=bool(is_open) or is_broken)
        if is_open or is_broken:
            return
        row = _Row()
    if row.lines:
        yield row.joined(is_last=True)._replace(is_ended=False)


class _Row:
    """The lines of a row so far."""

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
    """Return whether a quoted cell is open where a line ends; None when something follows its closing quote."""
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
    """Return the place after a delimiter, -1 when there is none."""
    return -1 if at < 0 else at + len(delimiter)
