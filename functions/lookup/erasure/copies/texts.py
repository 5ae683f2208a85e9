"""Records as lines of NDJSON and rows of CSV: those of erased people found and rewritten, all others byte for byte.

PyArrow's expressions find the few lines that may name somebody; what they find is parsed to be certain.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa  # type: ignore[import-untyped]  # it has no type information
import pyarrow.compute as pc  # type: ignore[import-untyped]  # as above

from lookup import exact_json
from lookup.collection.formats.rows import row_of
from lookup.collection.formats.spreadsheet import BYTE_ORDER_MARK, EVERYTHING, FACTS, safe
from lookup.erasure.people import People
from lookup.model import ERASED, Identifier
from lookup.results.erased_records import redacted
from lookup.rosters.decompression import GZIP_MAGIC

PIECE = 256 * 1024
BLOCK = 4 * 1024 * 1024  # bytes of text that are looked through at once
LEVEL, GZIP = 4, 31
Rewrite = Callable[[bytes], bytes | None]  # a line that names somebody, as it is to be; None takes it away


class Rewritten:
    """A rewritten file: `records` named somebody, `erased` records of it name nobody any more."""

    def __init__(self) -> None:
        self.records = 0
        self.erased = 0
        self.left = 0
        self.sink = io.BytesIO()

    @property
    def body(self) -> bytes:
        """The file's bytes."""
        return self.sink.getvalue()


def candidates(lines: Sequence[bytes | str], people: People) -> list[int]:
    """Return the places of lines that may name somebody."""
    return matching(_array(lines), people)


def names_escaped(text: bytes, people: People) -> bool:
    """Return whether a text with escapes of JSON may name somebody."""
    return b"\\" in text and bool(_found(_array([text]), people.escaped_patterns))


def matching(texts: pa.Array, people: People) -> list[int]:
    """Return the places of texts, none where there is none, that may name somebody."""
    return _found(texts, people.patterns)


def _array(lines: Sequence[bytes | str]) -> pa.Array:
    return pa.array(lines, pa.large_binary() if lines and isinstance(lines[0], bytes) else pa.large_string())


def _found(texts: pa.Array, patterns: Iterable[str]) -> list[int]:
    found: set[int] = set()
    for pattern in patterns:
        mask = pc.match_substring_regex(texts, pattern)
        found.update(pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist())  # noqa: FBT003 - Arrow's own
    return sorted(found)


def pieces(body: bytes) -> Iterator[bytes]:
    """Yield a file in pieces: a packed one is many times as long once it is unpacked."""
    return (body[at : at + PIECE] for at in range(0, len(body), PIECE))


def unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of a file, gzip of any number of members or plain."""
    unpacking, first = None, True
    for chunk in chunks:
        if first:
            unpacking, first = (zlib.decompressobj(GZIP) if chunk.startswith(GZIP_MAGIC) else None), False
        rest = chunk
        while unpacking is not None and rest:
            yield unpacking.decompress(rest)
            rest = unpacking.unused_data
            if unpacking.eof:
                unpacking = zlib.decompressobj(GZIP)
        if unpacking is None:
            yield chunk


def line_blocks(texts: Iterable[bytes], *, quoted: bool = False) -> Iterator[list[bytes]]:
    """Yield whole lines with their ends, many at once; `quoted` ones go on within quotes, as rows of CSV do."""
    waiting, rest, size, row, is_open = list[bytes](), b"", 0, list[bytes](), False
    for text in texts:
        lines = _cut(rest + text)
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            row.append(line)  # joined at its end: a cell may have any number of lines
            is_open ^= quoted and line.count(b'"') % 2 == 1
            if not is_open:
                waiting.append(b"".join(row))
                size += len(waiting[-1])
                row.clear()
        if size >= BLOCK:
            yield waiting
            waiting, size = [], 0
    waiting += [one for one in (b"".join([*row, rest]),) if one]
    if waiting:
        yield waiting


def _cut(text: bytes) -> list[bytes]:
    *ended, rest = text.split(b"\n")
    return [line + b"\n" for line in ended] + ([rest] if rest else [])


def names_in_record(people: People) -> Callable[[bytes], bool]:
    """Return whether a line of a result file is a record of theirs."""

    def is_theirs(line: bytes) -> bool:
        row = row_of(line.rstrip(b"\n"))
        facts = row.facts
        return people.are_named(facts.get("identifier_type"), facts.get("identifier")) or people.own_json(
            row.attributes
        )

    return is_theirs


def names_in_user(people: People) -> Callable[[bytes], bool]:
    """Return whether a line of `unmatched/` is theirs."""

    def is_theirs(line: bytes) -> bool:
        said = exact_json.loads(line)
        return isinstance(said, dict) and people.own(said.get("user_attributes"))

    return is_theirs


def aliases_in_record(people: People) -> Callable[[bytes], set[Identifier]]:
    """Return what names the other identifiers of a record of theirs."""

    def aliases(line: bytes) -> set[Identifier]:
        row = row_of(line.rstrip(b"\n"))
        named = row.facts.get("identifier_type"), row.facts.get("identifier")
        return people.aliases_in_record(*named, row.attributes)

    return aliases


def aliases_in_user(people: People) -> Callable[[bytes], set[Identifier]]:
    """Return what names the other identifiers of a user of theirs in `unmatched/`."""

    def aliases(line: bytes) -> set[Identifier]:
        said = exact_json.loads(line)
        user = said.get("user_attributes") if isinstance(said, dict) else None
        return set(people.aliases(user)) if isinstance(user, dict) else set()

    return aliases


def redacted_line(line: bytes) -> bytes:
    """Return a record's line as it is once its person is erased."""
    facts = redacted(row_of(line.rstrip(b"\n")).facts)
    return exact_json.dumps_well_formed(facts | {"user_attributes": None}) + b"\n"


def count_lines(texts: Iterable[bytes], people: People, is_theirs: Callable[[bytes], bool]) -> int:
    """Count lines that are theirs."""
    return sum(
        sum(is_theirs(lines[place]) for place in candidates(lines, people)) for lines in line_blocks(unpacked(texts))
    )


def aliases_in_lines(
    texts: Iterable[bytes],
    people: People,
    is_theirs: Callable[[bytes], bool],
    aliases: Callable[[bytes], set[Identifier]],
) -> set[Identifier]:
    """Return the other identifiers that lines of theirs hold."""
    found = set[Identifier]()
    for lines in line_blocks(unpacked(texts)):
        for place in candidates(lines, people):
            found |= aliases(lines[place]) if is_theirs(lines[place]) else set()
    return found


def rewrite_lines(
    texts: Iterable[bytes], people: People, is_theirs: Callable[[bytes], bool], rewrite: Rewrite
) -> Rewritten:
    """Rewrite a gzip file of lines: theirs as `rewrite` returns them, all others as they are."""
    written, packing = Rewritten(), zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for lines in line_blocks(unpacked(texts)):
        for place in candidates(lines, people):
            if is_theirs(lines[place]):
                written.records += 1
                lines[place] = rewrite(lines[place]) or b""
        written.left += sum(map(bool, lines))
        written.erased += sum(_is_erased(line) for line in lines if b'"identifier":null' in line)
        written.sink.write(packing.compress(b"".join(lines)))
    written.sink.write(packing.flush())
    return written


def _is_erased(line: bytes) -> bool:
    facts = row_of(line.rstrip(b"\n")).facts
    return facts.get("identifier") is None and facts.get("reason") == ERASED


class CsvRows:
    """Rows of one CSV file, whose first names the columns."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._written = {safe(value): value for value in people.values}
        self._columns: list[str] = []

    def head(self, row: bytes) -> None:
        """Take the names of the columns."""
        self._columns = _cells(row.removeprefix(BYTE_ORDER_MARK))

    def is_theirs(self, row: bytes) -> bool:
        """Return whether a row is a record of theirs."""
        facts, cells = self._facts(row), _cells(row)[len(FACTS) :]
        written = facts.get("identifier", "")
        if self._people.are_named(facts.get("identifier_type"), self._written.get(written, written)):
            return True
        names = self._columns[len(FACTS) :]
        if names == [EVERYTHING] and cells:
            return self._people.own_json(cells[0])
        return self._people.own(dict(zip(names, (self._written.get(cell, cell) for cell in cells), strict=False)))

    def _facts(self, row: bytes) -> dict[str, str]:
        """Return what a record says beside its attributes; one of these may be named as a fact is."""
        return dict(zip(self._columns[: len(FACTS)], _cells(row), strict=False))

    def redacted(self, row: bytes) -> bytes:
        """Return a row as it is once its person is erased."""
        cells = _cells(row)
        facts = redacted(dict(zip(FACTS, cells[: len(FACTS)], strict=True)))
        text = io.StringIO(newline="")
        kept = ["[]" if value == [] else "" if value is None else value for value in facts.values()]
        csv.writer(text, lineterminator="\r\n").writerow([*kept, *([""] * (len(cells) - len(FACTS)))])
        return text.getvalue().encode()

    def is_erased(self, row: bytes) -> bool:
        """Return whether a row names nobody because its person was erased."""
        held = self._facts(row)
        return held.get("identifier") == "" and held.get("reason") == ERASED


def rewrite_csv(texts: Iterable[bytes], people: People) -> Rewritten:
    """Rewrite a gzip CSV file: their rows redacted, all others as they are."""
    written, packing, rows_of = Rewritten(), zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP), CsvRows(people)
    is_first = True
    for rows in line_blocks(unpacked(texts), quoted=True):
        if is_first:
            rows_of.head(rows[0])
        for place in candidates(rows, people):
            if (place or not is_first) and rows_of.is_theirs(rows[place]):
                written.records += 1
                rows[place] = rows_of.redacted(rows[place])
        written.left += len(rows) - is_first
        written.erased += sum(rows_of.is_erased(row) for row in rows if b",erased," in row)
        written.sink.write(packing.compress(b"".join(rows)))
        is_first = False
    written.sink.write(packing.flush())
    return written


def _cells(row: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(row.decode(), newline="")), [])
