"""The query of a request, read from its raw form: what could be read in two ways is refused, by name.

API Gateway hands the query over as it was sent (`rawQueryString`) and once more decoded, where values of a name that
occurs twice are joined with commas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote_plus

from pydantic import Field

from lookup.errors import InvalidInput

NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
RULE = "must be percent-encoded UTF-8"
NAME_LENGTH = 64  # characters of a name in an error

# What queries and bodies have in common; the models of bodies are in `request_models`, which profiles do not load.
MAX_AGE = "Seconds a stored profile may be old; 0 asks MoEngage."
STALE_IF_ERROR = "Seconds beyond `max_age` that a stored profile may be old while MoEngage cannot be asked."
WorkspaceName = Annotated[str, Field(min_length=1, max_length=64, description="The MoEngage workspace.")]


def read_query(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters by name, decoded once: `%20` and `+` are a space, `%2B` is a plus sign.

    Raises `InvalidInput` naming a parameter that occurs twice, is not percent-encoded UTF-8, or whose value begins or
    ends with a bare `+`: nobody means that space.
    """
    raw = event.get("rawQueryString") or ""
    if not raw:
        return dict(event.get("queryStringParameters") or {})
    pairs = [_pair(part) for part in raw.split("&") if part]
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise _broken(name, "must occur once")
    return dict(pairs)


def _pair(part: str) -> tuple[str, str]:
    raw_name, _, raw_value = part.partition("=")
    name = _decoded(raw_name, "")
    if raw_value.startswith("+") or raw_value.endswith("+"):
        rule = "must not begin or end with a bare +, which is a space: write a plus sign as %2B, a space as %20"
        raise _broken(name, rule)
    return name, _decoded(raw_value, name)


def _decoded(text: str, name: str) -> str:
    try:
        decoded = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise _broken(name, RULE) from None
    if NO_ESCAPE.search(text):
        raise _broken(name, RULE)
    return decoded


def _broken(name: str, rule: str) -> InvalidInput:
    return InvalidInput("query", rule, sender_field=f"query.{name[:NAME_LENGTH]}" if name else None)
