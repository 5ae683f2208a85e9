"""Parse the headers that say when to retry, in all their forms.

Sources: RFC 9110, 10.2.3 (`Retry-After`: seconds, or a date in one of three forms) and 5.6.7 (the forms). MoEngage,
Data APIs: `x-ratelimit-reset` is seconds left in one document and epoch seconds in another; gateways in front of such
services write epoch milliseconds or ISO 8601.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

HEADERS = ("retry-after", "x-ratelimit-reset")
NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?")
MAX_DATE_LENGTH = 64  # characters that a date may have
EPOCH_MAGNITUDE = 1_000_000_000  # a number above this is a time, below it seconds from now
MILLISECONDS_MAGNITUDE = 100_000_000_000  # as seconds this would be the year 5138
MAX_WAIT = 24 * 3600  # seconds; longer ones are ignored


def retry_at(headers: Mapping[str, str], now: float, *, longest: float | None = None) -> float | None:
    """Return the time to retry (epoch seconds) by the first valid header; None without one.

    A wait of over a day is ignored; with `longest` (seconds) it is cut to that, as every longer one is.
    """
    for name in HEADERS:
        moment = _moment(headers.get(name, "").strip(), now)
        if moment is None:
            continue
        if longest is not None:
            return max(now, min(moment, now + longest))
        if moment <= now + MAX_WAIT:
            return max(now, moment)
    return None


def _moment(text: str, now: float) -> float | None:
    if NUMBER.fullmatch(text):
        value = float(text)
        if value < EPOCH_MAGNITUDE:
            return now + value
        return value / 1000 if value >= MILLISECONDS_MAGNITUDE else value
    moment = _date(text) if len(text) <= MAX_DATE_LENGTH else None
    return moment if moment is None or moment >= now else None  # a date in the past is ignored


def _date(text: str) -> float | None:
    """Parse ISO 8601, or one of the three forms of HTTP; without a time zone it is UTC (RFC 9110, 5.6.7)."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
