"""Rows as gzip CSV (RFC 4180): one column for each requested field, or all attributes in one as JSON.

No cell is a formula: text that a spreadsheet would calculate gets an apostrophe before it, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers. Where the language of a spreadsheet
divides cells at semicolons, or its user at tabs, our quotation marks are within a cell and mean nothing: so what
follows a semicolon, a tab or a line break counts as the beginning of a cell, too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from lookup import exact_json
from lookup.collection.formats.gzip_files import GzipStream
from lookup.collection.formats.rows import Row
from lookup.collection.upload import Upload
from lookup.model import Json

FACTS = ("identifier_type", "identifier", "outcome", "reason", "source", "fetched_at", "changed", "changed_fields")
EVERYTHING = "user_attributes"  # the one column of a lookup that asked for no fields by name
BYTE_ORDER_MARK = "\ufeff".encode()
# Behind blanks and quotation marks, which a spreadsheet may take away. The full-width forms begin formulas too, where
# it normalises what it reads.
FORMULA = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?=[ \u00a0"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])""")


class CsvFile:
    """A gzip CSV file that is written as a stream."""

    def __init__(self, upload: Upload, fields: Sequence[str] | None, *, byte_order_mark: bool = False) -> None:
        self._stream = GzipStream(upload)
        self._fields = fields
        if byte_order_mark:
            self._stream.write(BYTE_ORDER_MARK)
        self._write([[*FACTS, *([EVERYTHING] if fields is None else [safe(name) for name in fields])]])

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        self._write(self._cells(row) for row in rows)

    def close(self) -> None:
        """Write what is left."""
        self._stream.close()

    def _write(self, lines: Iterator[list[str]] | Sequence[list[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        self._stream.write(text.getvalue().encode())

    def _cells(self, row: Row) -> list[str]:
        facts = [_fact(row.facts.get(name)) for name in FACTS]
        if self._fields is None:
            return [*facts, "" if row.attributes is None else undivided(row.attributes.decode())]
        held = {} if row.attributes is None else exact_json.loads(row.attributes)
        return [*facts, *(_cell(held, name) for name in self._fields)]


def safe(text: str) -> str:
    """Return text of which no spreadsheet takes anything for a formula."""
    return FORMULA.sub("'", text)


def undivided(json_text: str) -> str:
    """Return JSON in which nothing divides cells, with the same meaning: a semicolon stands in its texts only."""
    return json_text.replace(";", "\\u003b")


def _fact(value: object) -> str:
    return safe(value) if isinstance(value, str) else _json(value)


def _cell(held: Json, name: str) -> str:
    value = held.get(name) if isinstance(held, Mapping) else None
    return safe(value) if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    """Write a number, a truth, a list or an object as JSON has it; null is an empty cell."""
    return "" if value is None else undivided(exact_json.dumps_well_formed(value).decode())
