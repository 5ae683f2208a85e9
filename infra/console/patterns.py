"""Python's regular expressions as JavaScript has them, so that a page reads a roster by the service's own patterns."""

from __future__ import annotations

import re
from typing import Any

# What Python's `\s`, `\w` and `\d` match in a text; JavaScript's differ (`\s` holds the byte order mark there).
OF_TEXT = {
    "s": r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    "w": r"\p{L}\p{N}_",
    "d": r"\p{Nd}",
}
OF_BYTES = {"s": r"\t-\r\x20", "w": r"A-Za-z0-9_", "d": r"0-9"}
# An escape, a class as a whole, a possessive quantifier, a dot, an anchor.
_TOKEN = re.compile(r"\\(?P<escape>.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<more>[*+?}])\+|(?P<mark>[.^$])")


def javascript(pattern: re.Pattern[Any]) -> list[str]:
    """Return source and flags of the same pattern in JavaScript; of a pattern of bytes, for text of Latin-1."""
    is_text = isinstance(pattern.pattern, str)
    source: str = pattern.pattern if is_text else pattern.pattern.decode("latin-1")
    classes = OF_TEXT if is_text else OF_BYTES
    flags = ("i" if pattern.flags & re.IGNORECASE else "") + ("u" if is_text else "")
    return [_TOKEN.sub(lambda found: _token(found, classes, pattern.flags), source), flags]


def _token(found: re.Match[str], classes: dict[str, str], flags: int) -> str:
    if escape := found["escape"]:
        return _escape(escape, classes)
    if within := found["set"]:
        return re.sub(r"\\([swd])", lambda one: classes[one[1]], within)
    if more := found["more"]:
        return more  # possessive only to be fast: none of the patterns matches otherwise without it
    return {
        ".": r"[\s\S]" if flags & re.DOTALL else r"[^\n]",
        "^": r"(?<![^\n])" if flags & re.MULTILINE else "^",
        "$": r"(?=\n?$)",
    }[found["mark"]]


def _escape(letter: str, classes: dict[str, str]) -> str:
    if letter.lower() not in classes:
        return f"\\{letter}"
    return f"[{'^' if letter.isupper() else ''}{classes[letter.lower()]}]"
