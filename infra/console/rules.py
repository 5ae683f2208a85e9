"""The rules by which the service reads a roster and its identifiers, as a table that the console's pages read by.

There is no second copy: the build writes the table from the modules that decide for the service. What the pages do with
it is compared with `lookup.rosters.preview` by a test.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from typing import Any

from infra.console.patterns import javascript
from lookup import validation
from lookup.rosters import preview
from lookup.rosters.formats import columns, detection, json_lists, lines, parsing, signatures


def rules() -> dict[str, object]:
    """Return the table; bytes are written as Latin-1, patterns as source and flags."""
    return {
        "limits": _limits(),
        "identifiers": {
            "blocked": sorted(validation.BLOCKED_CUSTOMER_IDS),
            "spellings": {name: kind.value for name, kind in validation.SPELLINGS.items()},
            "reasons": _texts(validation, "WRONG_TYPE", "NO_STRING", "EMPTY", "TOO_LONG", "HOLDS_CONTROL", "BLOCKED"),
        },
        "columns": {
            "meanings": columns.MEANINGS,
            "expected": columns.EXPECTED,
            "around": columns.AROUND,
            "separators": javascript(columns.SEPARATORS),
        },
        "formats": _formats(),
        "other_files": _other_files(),
        "lines": {
            "reasons": _texts(parsing, "UNREADABLE", "COLUMN_NAME", "OTHER_HEADER", "NOT_UTF8", "NOT_CLOSED", "CUT_OFF")
            | _texts(parsing, "LINE_KEY_TWICE", "ENTRY_KEY_TWICE", "ENTRY_NO_JSON"),
            "marks": javascript(parsing.MARKS),
            "stray": javascript(parsing.STRAY),
        },
        "notes": [[what, *javascript(pattern)] for what, pattern in preview.NOTES.items()],
        "repeated": preview.REPEATED,
    }


def _limits() -> dict[str, int]:
    return {
        "opening_bytes": detection.OPENING_BYTES,
        "line_bytes": lines.LINE_BYTES,
        "open_bytes": lines.QUOTED_CELL_BYTES,
        "entry_bytes": json_lists.ENTRY_BYTES,
        "nesting": json_lists.NESTING,
        "identifier_length": validation.IDENTIFIER_LENGTH,
        "excerpt_length": validation.EXCERPT_LENGTH,
        "sample_size": preview.SAMPLE_SIZE,
        "titles": detection.MAX_TITLE_LINES,
        "spare": detection.REPEATED_HEADER_SPARE,
        "seen_length": detection.SHOWN_LENGTH,
        "max_age": validation.MAX_AGE_LIMIT,
        "fields": validation.FIELDS_LIMIT,
    }


def _formats() -> dict[str, object]:
    names = ("HINT", "JSON_OBJECT", "JSON_ARRAY", "WIKI_ROW", "JSON_STRING")
    return {
        "delimiters": list(detection.DELIMITERS),
        "no_column": detection.NO_COLUMN,
        "otherwise": detection.OTHERWISE,
        **{name.lower(): javascript(getattr(detection, name)) for name in names},
    }


def _other_files() -> dict[str, object]:
    names = ("ID_IN_BRACES", "GAP", "RULER", "RULED", "BETWEEN", "FORM_HEADER")
    return {
        "signatures": _latin(signatures.SIGNATURES),
        "binary_names": list(signatures.BINARY_NAMES),
        "in_zip": _latin(signatures.IN_ZIP),
        "tar": [signatures.TAR_MARK.decode("latin-1"), signatures.TAR_AT],
        "wide_marks": _latin(signatures.WIDE_MARKS),
        "byte_order_mark": codecs.BOM_UTF8.decode("latin-1"),
        "wide_line_ends": [end.decode("latin-1") for end in signatures.WIDE_LINE_ENDS],
        "seen": [signatures.SEEN_OF_FORM, signatures.SEEN_OF_ZIP],
        "cells": [list(pair) for pair in signatures.CELLS],
        "quotes": signatures.QUOTES,
        "control": validation.CONTROL,
        "shapes": [[name, *javascript(pattern)] for pattern, name in signatures.SHAPES],
        **{name.lower(): javascript(_pattern(name)) for name in names},
    }


def _pattern(name: str) -> re.Pattern[Any]:
    found: re.Pattern[Any] = getattr(signatures, name)
    return found


def _latin(pairs: Sequence[tuple[bytes, str]]) -> list[list[str]]:
    return [[mark.decode("latin-1"), name] for mark, name in pairs]


def _texts(module: object, *names: str) -> dict[str, str]:
    return {name.lower(): getattr(module, name) for name in names}
