"""Entries as they are requested, and as outcomes name them; the forms of rosters, written without our parsers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence

Entry = tuple[str, str]  # identifier type, or "invalid"; and the text that its outcome repeats
CUSTOMER, MOENGAGE, INVALID = "customer_id", "id", "invalid"
ERASED: Entry = (INVALID, "erased")  # an entry of somebody who is erased in the run, whatever its outcome was
SHOWN = 200  # characters of an unusable value that its outcome repeats


def _json_value(entry: Entry) -> object:
    kind, text = entry
    return {"identifier_type": kind, "identifier": text} if kind == MOENGAGE else text


def json_values(entries: Sequence[Entry]) -> list[object]:
    """Write entries as the HTTP API takes them."""
    return [_json_value(one) for one in entries]


def shown(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return entries as outcomes name them: of what is unusable only its first characters."""
    return tuple((kind, text[:SHOWN] if kind == INVALID else text) for kind, text in entries)


Form = Callable[[tuple[Entry, ...]], tuple[bytes, tuple[Entry, ...]]]


def plain(entries: tuple[Entry, ...]) -> tuple[bytes, tuple[Entry, ...]]:
    """Write a customer id a line, blank lines between; a MoEngage id there is an unknown customer id."""
    listed = tuple((INVALID if kind == INVALID else CUSTOMER, text) for kind, text in entries)
    return "\n\n".join(text for _, text in listed).encode() + b"\n", listed


def csv(entries: tuple[Entry, ...]) -> tuple[bytes, tuple[Entry, ...]]:
    """Write a table with other columns."""
    lines = [f'"a, b",{CUSTOMER if kind == INVALID else kind},{text}' for kind, text in entries]
    return "\r\n".join(["note,identifier_type,identifier", *lines]).encode(), entries


def packed(entries: tuple[Entry, ...]) -> tuple[bytes, tuple[Entry, ...]]:
    """Write a table, packed."""
    body, listed = csv(entries)
    return gzip.compress(body, mtime=0), listed


def ndjson(entries: tuple[Entry, ...]) -> tuple[bytes, tuple[Entry, ...]]:
    """Write an object a line, the last one broken."""
    lines = [json.dumps({CUSTOMER if kind == INVALID else kind: text}) for kind, text in entries]
    return "\n".join([*lines, '{"customer_id":']).encode(), (*entries, (INVALID, '{"customer_id":'))


def inline(entries: tuple[Entry, ...]) -> tuple[bytes, tuple[Entry, ...]]:
    """Write the body of a POST that wants its answer later."""
    return json.dumps({"identifiers": [_json_value(one) for one in entries]}).encode(), entries
