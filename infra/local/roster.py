"""The roster of the local job: the user's own file or generated customer ids, and each entry as a queue message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from infra.local.options import OptionError
from lookup.bulk.intake.message import parse_intake_message
from lookup.errors import InvalidInput
from lookup.model import PART_LIMIT, Identifier
from lookup.rosters.formats.detection import Kind, detect_format
from lookup.rosters.formats.parsing import json_entries, numbered_entries, peek
from lookup.validation import ParsedIdentifier, parse_identifier

T = TypeVar("T")
GENERATED = 320
JUNK = ("null", "unknown", "0", "x", "", "none", "-1", "n/a", "x" * 600, "tab\tstop")
SPECIAL = "team/7 50%+#1? Zoë 東京"  # every character that a URL, a CSV or a query string could stumble over
_SURROGATES, _NOT_IN_XML = range(0xD800, 0xE000), (0xFFFE, 0xFFFF)


def generated(number: int = GENERATED) -> Iterator[ParsedIdentifier]:
    """Make `number` customer ids, some of them with special characters, and a few junk lines between them."""
    spacing = max(1, number // len(JUNK))
    line = 0
    for position in range(number):
        name = f"customer-{position:05}" if position % 25 else f"{SPECIAL} {position:05}"
        line += 1
        yield parse_identifier(name, line=line)
        if position % spacing == 0 and position // spacing < len(JUNK):
            line += 1
            yield parse_identifier(JUNK[position // spacing], line=line)


def read(path: Path | None) -> Iterator[ParsedIdentifier]:
    """Read the user's file as a stream, or generate. Raises `OptionError` when the file is no roster."""
    if path is None:
        yield from generated()
        return
    with path.open("rb") as lines:
        try:
            yield from entries(lines)
        except InvalidInput as fault:
            raise OptionError(f"ROSTER: {fault.rule}") from None


def samples(path: Path | None, number: int) -> list[Identifier]:
    """Return the first usable identifiers of the roster. Raises `OptionError` when it has none."""
    usable = (entry for entry in read(path) if isinstance(entry, Identifier))
    found = list(islice(usable, number))
    if not found:
        raise OptionError(f"ROSTER: {str(path)!r} holds no usable identifier")
    return found


def message_body(entry: ParsedIdentifier) -> str:
    """Write one entry as a message of the intake queue: plain text where that is exact, else a JSON list."""
    if isinstance(entry, Identifier):
        return entry.identifier if _is_plain(entry) else _listed(entry.identifier_type.value, entry.identifier)
    typed = {"identifier_type": entry.identifier_type, "identifier": entry.excerpt}
    if isinstance(parse_identifier(typed), Identifier):
        # Cut off, or part of a line that is unreadable: as it is it would pass for an identifier.
        return json.dumps([[entry.excerpt]])
    return _listed(entry.identifier_type, entry.excerpt)


def _listed(identifier_type: str, identifier: str) -> str:
    return json.dumps([{"identifier_type": identifier_type, "identifier": identifier}])


def _is_plain(one: Identifier) -> bool:
    """Return whether SQS takes the identifier as a body and the intake reads it back as it is."""
    try:
        part = parse_intake_message(one.identifier, message_id="", sent_at=0.0, default_workspace="default")
    except InvalidInput:
        return False
    return part.identifiers == (one,) and all(_is_taken(ord(character)) for character in one.identifier)


def _is_taken(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or (code >= 0x20 and code not in _SURROGATES and code not in _NOT_IN_XML)  # noqa: PLR2004 - XML 1.0


def entries(chunks: Iterable[bytes]) -> Iterator[ParsedIdentifier]:
    """Read a whole roster, cut anyhow; blank lines are skipped, unreadable ones are `InvalidIdentifier`s.

    Raises `InvalidInput` when its opening shows that it is no list of identifiers.
    """
    opening, whole = peek(chunks)
    written = detect_format(opening)
    if written.kind is Kind.JSON:
        yield from json_entries(opening, whole)
        return
    for _, one in numbered_entries(written, whole):
        yield one


def in_parts(items: Iterable[T], size: int = PART_LIMIT) -> Iterator[list[T]]:
    """Cut a stream into lists of `size`, the last one shorter."""
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part
