"""Check the opening of a roster: whether it is accepted, and its entries."""

from __future__ import annotations

from lookup.errors import InvalidInput
from lookup.model import InvalidIdentifier
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
