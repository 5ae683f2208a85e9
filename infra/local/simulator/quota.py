"""The vendor's quota in users, counted from arrivals. Times are seconds of one clock, given by the caller."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from infra.local.simulator.config import QuotaConfig


class Quota(Protocol):
    """How one workspace's calls are counted. Times must not go back; the caller holds a lock."""

    def admit(self, now: float, users: int) -> bool:
        """Return whether a call of `users` that arrives `now` is accepted, and count it."""

    def remaining(self, now: float) -> int:
        """Return how many users would be accepted now."""

    def room_in(self, now: float, users: int) -> float:
        """Return the seconds until a call of `users` would be accepted without other calls (the window if never)."""


class SlidingWindow:
    """The strictest reading: the users of the calls counted in the last `window` seconds, bounds included."""

    def __init__(self, config: QuotaConfig) -> None:
        self._config = config
        self._counted: deque[tuple[float, int]] = deque()
        self._in_use = 0

    def admit(self, now: float, users: int) -> bool:
        """Count the call unless it would go over the limit."""
        self._forget(now)
        accepted = self._in_use + users <= self._config.limit
        if accepted or self._config.count_refused:
            self._counted.append((now, users))
            self._in_use += users
        return accepted

    def remaining(self, now: float) -> int:
        """Return the limit less what the window holds."""
        self._forget(now)
        return max(0, self._config.limit - self._in_use)

    def room_in(self, now: float, users: int) -> float:
        """Drop calls from the window, oldest first, until there is room."""
        excess = self._in_use + users - self._config.limit
        if excess <= 0:
            return 0.0
        for arrived, leaving in self._counted:
            excess -= leaving
            if excess <= 0:
                return max(0.0, arrived + self._config.window - now)
        return self._config.window

    def _forget(self, now: float) -> None:
        while self._counted and self._counted[0][0] < now - self._config.window:
            self._in_use -= self._counted.popleft()[1]


class FixedWindow:
    """Windows that follow each other from zero of the clock: a burst over a boundary is twice the limit."""

    def __init__(self, config: QuotaConfig) -> None:
        self._config = config
        self._number = 0
        self._in_use = 0

    def admit(self, now: float, users: int) -> bool:
        """Count the call in the window that it arrives in."""
        self._turn(now)
        accepted = self._in_use + users <= self._config.limit
        if accepted or self._config.count_refused:
            self._in_use += users
        return accepted

    def remaining(self, now: float) -> int:
        """Return the limit less what this window has used."""
        self._turn(now)
        return max(0, self._config.limit - self._in_use)

    def room_in(self, now: float, users: int) -> float:
        """Wait for the next window when this one has no room."""
        if self.remaining(now) >= users:
            return 0.0
        return (self._number + 1) * self._config.window - now

    def _turn(self, now: float) -> None:
        number = int(now // self._config.window)
        if number != self._number:
            self._number, self._in_use = number, 0


class TokenBucket:
    """A bucket of `limit` tokens, full at first, that refills at limit / window a second."""

    def __init__(self, config: QuotaConfig) -> None:
        self._config = config
        self._rate = config.limit / config.window
        self._tokens = float(config.limit)
        self._filled_at: float | None = None

    def admit(self, now: float, users: int) -> bool:
        """Take a token for each user if there are enough."""
        self._fill(now)
        accepted = users <= self._tokens
        if accepted or self._config.count_refused:
            self._tokens = max(0.0, self._tokens - users)
        return accepted

    def remaining(self, now: float) -> int:
        """Return the whole tokens left."""
        self._fill(now)
        return int(self._tokens)

    def room_in(self, now: float, users: int) -> float:
        """Return the time that the missing tokens take to drip in."""
        self._fill(now)
        return min(self._config.window, max(0.0, users - self._tokens) / self._rate)

    def _fill(self, now: float) -> None:
        since = 0.0 if self._filled_at is None else now - self._filled_at
        self._tokens = min(float(self._config.limit), self._tokens + since * self._rate)
        self._filled_at = now


class Unlimited:
    """No quota: everything is accepted."""

    def __init__(self, config: QuotaConfig) -> None:
        self._limit = config.limit

    def admit(self, now: float, users: int) -> bool:  # noqa: ARG002 - the interface of a quota
        """Accept."""
        return True

    def remaining(self, now: float) -> int:  # noqa: ARG002 - the interface of a quota
        """Return the whole limit."""
        return self._limit

    def room_in(self, now: float, users: int) -> float:  # noqa: ARG002 - the interface of a quota
        """Return zero: there is always room."""
        return 0.0


MODES: dict[str, type[SlidingWindow | FixedWindow | TokenBucket | Unlimited]] = {
    "sliding": SlidingWindow,
    "fixed": FixedWindow,
    "token_bucket": TokenBucket,
    "off": Unlimited,
}


def quota_of(config: QuotaConfig) -> Quota:
    """Return the counter that a configuration names. Raises ValueError for an unknown mode or a senseless number."""
    if config.mode not in MODES or config.limit < 1 or config.window <= 0:
        raise ValueError(f"quota: mode is one of {', '.join(MODES)}; limit and window are above 0")
    return MODES[config.mode](config)
