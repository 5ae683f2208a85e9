"""The opening of a roster, its first 64 KB: whether it is accepted, and how a lookup would read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookup.errors import InvalidInput
from lookup.model import Identifier, InvalidIdentifier
from lookup.rosters.formats.detection import Format, Kind, detect_format
from lookup.rosters.formats.parsing import CUT_OFF, NOT_UTF8, OTHER_HEADER, json_entries, numbered_entries
from lookup.validation import ParsedIdentifier


def check_opening(opening: bytes, *, is_whole: bool) -> tuple[Format, list[ParsedIdentifier]]:
    """Return the format and entries of the first 64 KB of a roster's text, with `is_whole` all of it.

    Raises `InvalidInput` when the roster is not accepted: it is no list, is empty, or cannot be read to its end.
    """
    written = detect_format(opening)
    found = _entries(written, opening, is_whole=is_whole)
    if not found:
        raise InvalidInput("roster", "is empty" if written.header is None else "is empty but for its header")
    if all(isinstance(one, InvalidIdentifier) and one.reason == NOT_UTF8 for one in found):
        raise InvalidInput("roster", "is not UTF-8")
    return written, found


def _entries(written: Format, opening: bytes, *, is_whole: bool) -> list[ParsedIdentifier]:
    if written.kind is Kind.JSON:
        return _json_entries(opening, is_whole=is_whole)
    pairs = list(numbered_entries(written, [opening]))
    if len(pairs) > 1 and not is_whole and not pairs[-1][0].is_ended:
        del pairs[-1]  # it continues after the opening
    for line, entry in pairs:
        is_end = is_whole and line.breaks == 1 and opening.rstrip().endswith(line.text.rstrip())
        if isinstance(entry, InvalidIdentifier) and ((line.is_last and not is_end) or entry.reason == OTHER_HEADER):
            raise InvalidInput("roster", f"cannot be read behind line {entry.line}: {entry.reason}")
    return [entry for _, entry in pairs]


def _json_entries(opening: bytes, *, is_whole: bool) -> list[ParsedIdentifier]:
    found = list(json_entries(opening, [opening]))
    if found and isinstance(found[-1], InvalidIdentifier) and found[-1].reason == CUT_OFF:
        del found[-1]  # it continues after the opening
        if is_whole:
            raise InvalidInput(
                "roster", f"is not JSON behind entry {len(found)}: it is cut off, or something is left over"
            )
    return found


REPEATED = "are there already, in the lines read"
SAMPLE_SIZE = 10  # identifiers, and as many invalid entries
NOTES: Mapping[str, re.Pattern[str]] = {
    "begin or end with white space, which is part of them": re.compile(r"\s.*|.*\s", re.DOTALL),
    "look like numbers that a spreadsheet has rounded": re.compile(r"\d[.,]\d+E\+\d+"),
    "end in .0, as numbers of a table do that has gaps": re.compile(r"\d+\.0"),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """The format of a roster, and the entries in its first 64 KB of text.

    `notes` are suspicious identifiers that are read as they are: how many, and what is suspicious.
    """

    kind: Kind
    delimiter: str | None
    column: str | None
    type_column: str | None
    identifier_type: str | None
    is_whole: bool
    entries: int
    first: Sequence[Identifier]
    invalid: int
    first_invalid: Sequence[InvalidIdentifier]
    notes: Sequence[str]


def preview_of(opening: bytes, *, is_whole: bool) -> Preview:
    """Return the preview by the first 64 KB of a roster's text. Raises `InvalidInput` as a lookup would."""
    written, found = check_opening(opening, is_whole=is_whole)
    usable = [one for one in found if isinstance(one, Identifier)]
    invalid = [one for one in found if isinstance(one, InvalidIdentifier)]
    names = written.header.names if written.header else ()
    columns = written.header.columns if written.header else None
    return Preview(
        kind=written.kind,
        delimiter=written.header.delimiter if written.header else None,
        column=names[columns.at].strip("\ufeff \t") if columns else None,
        type_column=names[columns.type_at].strip() if columns and columns.type_at is not None else None,
        identifier_type=_type_of_all(written),
        is_whole=is_whole,
        entries=len(found),
        first=usable[:SAMPLE_SIZE],
        invalid=len(invalid),
        first_invalid=invalid[:SAMPLE_SIZE],
        notes=_notes(usable, found),
    )


def _type_of_all(written: Format) -> str | None:
    """Return the type of all identifiers; None where each names its own."""
    if written.kind is Kind.PLAIN:
        return "customer_id"
    if written.header is None or written.header.columns.type_at is not None:
        return None
    return written.header.columns.identifier_type


def _notes(usable: Sequence[Identifier], found: Sequence[ParsedIdentifier]) -> list[str]:
    texts = [one.identifier for one in usable]
    seen = {what: sum(pattern.fullmatch(text) is not None for text in texts) for what, pattern in NOTES.items()}
    seen[REPEATED] = len(usable) - len(set(usable))
    return [f"{number} of {len(found)} {what}" for what, number in seen.items() if number]
