"""Files that are no lists of identifiers, recognized by their first bytes or first line, and refused by name."""

from __future__ import annotations

import codecs
import re

from lookup.errors import InvalidInput
from lookup.rosters.formats.columns import meaning_of
from lookup.validation import CONTROL, holds_control

# The first bytes of common files (the formats' own specifications; `file`'s magic numbers).
SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"PK\x07\x08", "a zip archive"),
    (b"\x1f\x8b", "gzip within gzip"),
    (b"\x1f\x9d", "a compressed file (.Z)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or document of old Microsoft Office (.xls, .doc)"),
    (b"PAR1", "a Parquet file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89PNG", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF87a", "an image (GIF)"),
    (b"GIF89a", "an image (GIF)"),
    (b"RIFF", "an image, sound or video (RIFF)"),
    (b"II*\x00", "an image (TIFF)"),
    (b"MM\x00*", "an image (TIFF)"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
    (b"!<arch>\n", "an archive (ar, .deb)"),
    (b"$FL2@(#)", "an SPSS file"),
    (b"$FL3@(#)", "an SPSS file"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
)
BINARY_NAMES = ("BZh", "PAR1", "PARE", "ORC", "RIFF")  # could begin an identifier: a control byte is required too
IN_ZIP = (
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"word/", "a Word document (.docx)"),
    (b"ppt/", "a PowerPoint document (.pptx)"),
    (b"opendocument", "an OpenDocument file"),
)
TAR_MARK, TAR_AT = b"ustar", 257
# UTF-32 goes before UTF-16: the little-endian marks begin alike.
WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
WIDE_LINE_ENDS = (b"\n\x00", b"\x00\n")
SEEN_OF_FORM = 4096  # bytes searched for the first part of a form
SEEN_OF_ZIP = 4096  # bytes searched for the names of an archive's first files

CELLS = ((",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "pipes"))
QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
ID_IN_BRACES = re.compile(r"\{[0-9A-Za-z-]+\}")  # a GUID of Microsoft: one word, no structure
SHAPES = (
    (re.compile(r"<[!?/A-Za-z]"), "markup (HTML or XML)"),
    (re.compile(r"content-(disposition|type)\s*:", re.IGNORECASE), "a form's envelope: upload the file itself"),
    (
        re.compile(r"\+[-=+]{2,}|[-=*_]{3}[-=*_\s]*$|\*{3,}\s|[\u2500-\u257f]|%YAML"),
        "the ruler of a printed table or document",
    ),
    (re.compile(r"--"), "a form's boundary or a comment: upload the file itself"),
    (re.compile(r"([-*#]|//|/\*|\d{1,4}[.)])\s|#!|/\*"), "a list, heading or comment of a document"),
    (re.compile(r"[\[{]"), "brackets"),
    (re.compile(r"[^\s:=]+\s*=\s*[^\s=]|[^=]*\s=\s"), "a form or settings (key=value)"),
    (re.compile(r"[\w .\-]+:(\s|$)|BEGIN:"), "YAML or a message's header (key: value)"),
    (re.compile(r".*%(0[aAdD9]|2[cC]|3[bB])"), "a URL-encoded form"),
    (re.compile(r"(insert\s+into|create\s+table|copy\s.+\sfrom|select\s.+\sfrom)\s", re.IGNORECASE), "SQL"),
    (re.compile(r"HTTP/\d|From \S+@\S+ "), "a message with its headers"),
    (
        re.compile(r"version https://git-lfs|diff --git |<{7} |begin \d{3,4} \S"),
        "what a tool wrote instead of the file",
    ),
    (re.compile(r"""[^"']*[(\[{]["']"""), "brackets"),
)
GAP = re.compile(r"\S {3,}\S")  # columns of a fixed width; one or two spaces may be within a name
RULER = re.compile(rb"[|+:\s=-]*+")
RULED = re.compile(rb"[=-]{3}|[|+][\s:]*[=-]")
BETWEEN = re.compile(r"[^\w .\-]+")
FORM_HEADER = re.compile(rb"^content-disposition\s*:\s*(form-data|attachment|inline)", re.IGNORECASE | re.MULTILINE)


def refuse_other_files(opening: bytes) -> None:
    """Raise `InvalidInput` naming the kind of file by its first bytes, when that is no text in UTF-8."""
    text = opening.removeprefix(codecs.BOM_UTF8)
    wide = next((name for mark, name in WIDE_MARKS if text.startswith(mark)), None)
    if wide is not None:
        raise InvalidInput("roster", f"is {wide}; it must be UTF-8")
    name = file_kind(text)
    if name is not None:
        raise InvalidInput(
            "roster", f"is {name}, no list: it must be CSV with a header, JSON, or plain lines, in UTF-8"
        )
    if is_wide(text):
        raise InvalidInput("roster", "is UTF-16 or UTF-32 without a byte order mark; it must be UTF-8")
    if FORM_HEADER.search(text[:SEEN_OF_FORM]):
        raise InvalidInput("roster", "shows a form's envelope (Content-Disposition): upload the file itself by PUT")


def file_kind(text: bytes) -> str | None:
    """Return the kind of file that begins with these bytes, None when it is unknown."""
    for mark, name in SIGNATURES:
        if text.startswith(mark) and (mark.decode("latin-1") not in BINARY_NAMES or _is_binary(text)):
            within = IN_ZIP if mark.startswith(b"PK") else ()
            return next((kind for part, kind in within if part in text[:SEEN_OF_ZIP]), name)
    return "a tar archive" if text[TAR_AT : TAR_AT + len(TAR_MARK)] == TAR_MARK else None


def _is_binary(text: bytes) -> bool:
    return any(byte < 0x20 and byte not in b"\t\n\r" for byte in text[:512])  # noqa: PLR2004 - control characters


def is_wide(text: bytes) -> bool:
    """Return whether text has two or four bytes a character: beside all its line ends, or most characters, is a NUL."""
    seen = text[:4096]
    line_ends = seen.count(b"\n")
    return seen.count(0) * 3 > len(seen) or (line_ends > 0 and max(map(seen.count, WIDE_LINE_ENDS)) == line_ends)


def structure(line: str) -> str | None:
    """Return what the first line of a list shows beside one identifier, None when it is just that."""
    bare = line.strip()
    if ID_IN_BRACES.fullmatch(bare):
        return None
    shape = next((name for pattern, name in SHAPES if pattern.match(bare)), None)
    if shape is not None:
        return shape
    cells = next((f"cells between {name}" for mark, name in CELLS if mark in line), None)
    if cells is not None:
        return cells
    if holds_control(bare):
        return CONTROL
    if bare and (bare[0] in QUOTES or bare[-1] in QUOTES):
        return "quotes"
    return _columns(bare)


def _columns(bare: str) -> str | None:
    if names_columns(bare):
        return "names of columns between marks that are no delimiters"
    words = bare.split()
    is_table = len(words) > 1 and (GAP.search(bare) or any(map(meaning_of, words)))
    return "columns between spaces" if is_table else None


def is_ruler(line: bytes) -> bool:
    """Return whether a line is a ruler under a header, as query tools and documents have it: `---+---`, `|:-:|`."""
    return RULER.fullmatch(line) is not None and RULED.search(line) is not None


def names_columns(line: str) -> bool:
    """Return whether a line names a column of identifiers and another one, with any delimiter."""
    words = [word for word in BETWEEN.split(line) if word.strip()]
    return len(words) > 1 and any(meaning_of(word) in {"customer_id", "identifier"} for word in words)
