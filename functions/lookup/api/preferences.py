"""What a caller prefers (RFC 7240): an answer at once, after a wait, or work behind the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_WAIT = 20.0  # seconds that a caller may be made to wait for quota
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait` in seconds, 20 at most; `says_wait` when the caller named it."""

    respond_async: bool
    wait: float
    says_wait: bool

    def applied(self, *, later: bool, may_wait: bool) -> dict[str, str]:
        """Write `Preference-Applied`: what was honoured by an answer at once, or by one that comes `later`.

        `may_wait` tells whether the request was one that could wait for quota.
        """
        honoured = ["respond-async"] if self.respond_async and later else []
        if self.says_wait and may_wait:
            honoured.append(f"wait={int(self.wait)}")
        return {"Preference-Applied": ", ".join(honoured)} if honoured else {}


def read_preference(header: str | None) -> Preference:
    """Read a `Prefer` header; what it does not know it leaves alone, as the RFC says."""
    text = header or ""
    waiting = WAIT.search(text)
    wait = min(float(waiting.group(1)), LONGEST_WAIT) if waiting else LONGEST_WAIT
    return Preference(bool(ASYNC.search(text)), wait, waiting is not None)
