"""How many requests a second a partner may send: a token bucket for each, in the memory of an instance.

An instance serves one request at a time, and a flood that is refused at once needs few of them: what is admitted is the
partner's rate times the instances that it meets. To count exactly would cost a write for every request.
"""

from __future__ import annotations

from lookup.errors import TooManyRequests
from lookup.model import Clock
from lookup.partners import Partner

REQUESTS = "requests"  # the policy that is violated
BURST_SECONDS = 2.0  # of its rate a partner may send at once


class RequestRate:
    """The buckets of the partners that this instance has served."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when they were counted

    def admit(self, partner: Partner) -> None:
        """Count one request. Raises `TooManyRequests` and counts nothing when the partner has sent too many."""
        rate, now = partner.requests_per_second, self._clock()
        if rate is None:
            return
        most = rate * BURST_SECONDS
        tokens, counted_at = self._buckets.get(partner.name, (most, now))
        tokens = min(most, tokens + max(0.0, now - counted_at) * rate)
        if tokens < 1:
            self._buckets[partner.name] = tokens, now
            raise TooManyRequests(REQUESTS, rate, retry_at=now + (1 - tokens) / rate)
        self._buckets[partner.name] = tokens - 1, now
