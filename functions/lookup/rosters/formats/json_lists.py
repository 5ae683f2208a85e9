"""Split JSON lists into their entries, streaming: a list, an object around one list, or objects in sequence."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lookup import exact_json
from lookup.errors import InvalidInput
from lookup.rosters.formats.columns import EXPECTED, columns_of, meaning_of

ENTRY_BYTES = 64 * 1024  # of one entry that can be read
NESTING = 64  # levels of brackets, more than any list of identifiers has
_MARK = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')
_KEY = re.compile(rb'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_PAIRS = {ord("}"): ord("{"), ord("]"): ord("[")}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the entries are: `depth` brackets deep; at 2 in the list at `key` of the outermost object."""

    depth: int
    key: str | None = None


class NotReadable(ValueError):
    """The rest of the text is no JSON, or not of its shape."""


def shape_of(opening: bytes, where: str) -> Shape:
    """Return where the entries of a JSON document are, by its first bytes.

    Raises `InvalidInput` when its first entry is not there, or is neither a text nor an object with a known key.
    """
    shape = Shape(1) if _blank_off(opening).startswith(b"[") else _shape_of_object(opening, where)
    first = _first_of(opening, shape)
    if first is None:
        raise InvalidInput("roster", f"begins like JSON in {where}, but is not readable as JSON there")
    if isinstance(first, bool | list) or (isinstance(first, dict) and not columns_of(list(first), where)):
        raise InvalidInput(
            "roster", f"is JSON, but its first entry is neither a text nor an object with a key {EXPECTED}"
        )
    return shape


def _first_of(opening: bytes, shape: Shape) -> object:
    try:
        text = next(split([opening], shape), None)
        return "" if text is None else exact_json.loads(text)
    except ValueError:
        return None


def _shape_of_object(opening: bytes, where: str) -> Shape:
    try:
        text = next(split([opening], Shape(0)), b"")
        whole = exact_json.loads(text)
    except ValueError:
        text, whole = b"", None
    if isinstance(whole, dict):
        names, lists = list(whole), [key for key, value in whole.items() if isinstance(value, list)]
    else:
        names, lists = _names_of(opening)
    if columns_of(names, where):
        return Shape(0)
    if any(meaning_of(name) == "identifier_type" for name in names):
        raise InvalidInput("roster", f"has identifier_type beside a list in {where}: each entry must name its own")
    if len(lists) != 1 or (text and _has_key_twice(text)):
        raise InvalidInput("roster", f"is a JSON object without a key {EXPECTED}, and not around one list: see {where}")
    return Shape(2, lists[0])


def _has_key_twice(text: bytes) -> bool:
    try:
        exact_json.loads_unique(text)
    except exact_json.RepeatedKey:
        return True
    return False


def _names_of(opening: bytes) -> tuple[list[str], list[str]]:
    """Return the keys of an object that does not end within the opening, and those of them that have a list."""
    names, lists, depth, begin = list[str](), list[str](), 0, 0
    for mark, at in _Tokens().of(opening):
        key = _key_of(opening[begin:at]) if depth == 1 else None
        if key is not None:
            names.append(key)
            lists += [key] if mark == ord("[") else []
        depth += (mark in b"[{") - (mark in b"]}")
        if depth <= 1:
            begin = at + 1
    return names, lists


def split(chunks: Iterable[bytes], shape: Shape) -> Iterator[bytes]:
    """Yield the texts of a document's entries; of one over 64 KB only the first 64 KB and one byte.

    Raises `NotReadable` where it turns unreadable, or ends too early.
    """
    splitter = _Splitter(shape)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    splitter.end()


class _Tokens:
    """Brackets and commas of JSON outside its strings, in any chunks."""

    def __init__(self) -> None:
        self._in_string = False
        self._is_escaped = False

    @property
    def in_string(self) -> bool:
        return self._in_string

    def of(self, chunk: bytes) -> Iterator[tuple[int, int]]:
        """Return each mark and its place."""
        at = 0
        while at < len(chunk):
            if self._is_escaped:
                self._is_escaped, at = False, at + 1
                continue
            found = (_IN_STRING if self._in_string else _MARK).search(chunk, at)
            if found is None:
                return
            mark, at = chunk[found.start()], found.end()
            if mark == ord("\\"):
                self._is_escaped = True
            elif mark == ord('"'):
                self._in_string = not self._in_string
            else:
                yield mark, found.start()


class _Splitter:
    """Entries of one shape. `_kept` are the bytes since the last mark outside of entries."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._within = max(1, shape.depth)  # brackets from which a mark is an entry's own
        self._tokens = _Tokens()
        self._open = bytearray()
        self._kept = bytearray()
        self._is_wanted = shape.key is None
        self._lists = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the entries that end in this chunk. Raises `NotReadable`."""
        begin = 0
        for mark, at in self._tokens.of(chunk):
            depth = len(self._open)
            if mark in b"[{":
                if depth < self._within:
                    self._keep(chunk[begin:at])
                    begin = at + (self._shape.depth > 0)
                    self._enter(mark, depth)
                self._push(mark)
                continue
            if mark != ord(","):
                self._pop(mark)
            if depth > (self._shape.depth if mark == ord(",") else self._within):
                continue
            self._keep(chunk[begin : at + (self._shape.depth == 0 and depth == 1)])
            begin = at + 1
            yield from self._taken(depth)
            self._is_wanted = self._is_wanted and (mark == ord(",") or self._shape.key is None)
        self._keep(chunk[begin:])

    def end(self) -> None:
        """Raise `NotReadable` when the document is incomplete."""
        if self._open or self._tokens.in_string or _blank_off(bytes(self._kept)):
            raise NotReadable

    def _keep(self, piece: bytes) -> None:
        """Keep a piece without the white space before an entry, which must not displace the entry from the buffer."""
        if not self._kept:
            piece = piece.lstrip()
        self._kept += piece[: max(0, ENTRY_BYTES + 1 - len(self._kept))]

    def _taken(self, depth: int) -> Iterator[bytes]:
        """Return the kept bytes if they are an entry, and clear them. Raises `NotReadable` for text outside it."""
        text = _blank_off(bytes(self._kept))
        self._kept.clear()
        if not text or not self._is_wanted:
            return
        if depth < self._within:
            raise NotReadable
        yield text

    def _enter(self, mark: int, depth: int) -> None:
        """Enter a bracket outside of entries. Raises `NotReadable` when the shape has none there."""
        before = _blank_off(bytes(self._kept))
        self._kept.clear()
        if depth == 0:
            is_right = mark == (ord("[") if self._shape.depth == 1 else ord("{"))
            if before or not is_right or self._lists:
                raise NotReadable
        elif mark == ord("["):
            self._is_wanted = _key_of(before) == self._shape.key and not self._lists
            self._lists += 1
            if not self._is_wanted:
                raise NotReadable

    def _push(self, mark: int) -> None:
        self._open.append(mark)
        if len(self._open) > NESTING:
            raise NotReadable

    def _pop(self, mark: int) -> None:
        if not self._open or self._open.pop() != _PAIRS[mark]:
            raise NotReadable


def _key_of(text: bytes) -> str | None:
    found = _KEY.match(_blank_off(text))
    if found is None:
        return None
    try:
        key = exact_json.loads(found[1])
    except ValueError:  # it holds a line break, or half an escape
        return None
    return key if isinstance(key, str) else None


def _blank_off(text: bytes) -> bytes:
    """Return a text without white space, commas and byte order marks around it."""
    bare = text.strip(b" \t\r\n,")
    while bare.startswith(codecs.BOM_UTF8):
        bare = bare.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n,")
    return bare
