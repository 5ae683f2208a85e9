"""What a caller prefers (RFC 7240): an answer at once, after a wait, or work behind the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_WAIT = 20.0  # seconds that a caller may be made to wait for quota
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait` in seconds, 20 at most; `applied` names what was honoured, for `Preference-Applied`."""

    respond_async: bool
    wait: float
    applied: str | None


def read_preference(header: str | None) -> Preference:
    """Read a `Prefer` header; what it does not know it leaves alone, as the RFC says."""
    text = header or ""
    waiting, respond_async = WAIT.search(text), bool(ASYNC.search(text))
    wait = min(float(waiting.group(1)), LONGEST_WAIT) if waiting else LONGEST_WAIT
    honoured = ["respond-async"] if respond_async else []
    if waiting:
        honoured.append(f"wait={int(wait)}")
    return Preference(respond_async, wait, ", ".join(honoured) or None)
