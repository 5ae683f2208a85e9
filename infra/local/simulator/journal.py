"""What arrived, call by call, and what can be counted from it. The measure of every benchmark."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

DROPPED = 0  # the status of a call that got no answer


@dataclass(slots=True)
class Arrival:
    """One call, logged when its request was complete and before its latency.

    `monotonic` and `epoch` are seconds. `users` are the identifiers sent (0 when the body could not be read).
    `counted` says whether they used quota. `status` is the HTTP code, 0 for a dropped connection. `found` and
    `not_found` are the lengths of the two lists sent back. `fault` is the name of the fault that the call met.
    """

    number: int
    monotonic: float
    epoch: float
    workspace_id: str
    users: int
    status: int
    counted: bool
    found: int = 0
    not_found: int = 0
    fault: str | None = None
    forwarded_for: str | None = None
    identifiers: tuple[tuple[str, str], ...] | None = None
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums over arrivals. `users` are those that used quota; a peak is the most users in any `window` seconds.

    `peak_users` is of counted calls, `peak_users_sent` of all. `refusals` counts calls by HTTP code from 400 up;
    `dropped` are calls that got no answer.
    """

    window: float
    calls: int = 0
    users: int = 0
    users_sent: int = 0
    found: int = 0
    not_found: int = 0
    dropped: int = 0
    peak_users: int = 0
    peak_users_sent: int = 0
    refusals: dict[int, int] = field(default_factory=dict)


def peak(events: Iterable[tuple[float, int]], window: float) -> int:
    """Return the largest sum over any `window` seconds, bounds included, of (time, users) in order of time."""
    inside: deque[tuple[float, int]] = deque()
    total = highest = 0
    for time, users in events:
        inside.append((time, users))
        total += users
        while inside[0][0] < time - window:
            total -= inside.popleft()[1]
        highest = max(highest, total)
    return highest


def count(arrivals: Iterable[Arrival], window: float) -> Counters:
    """Sum arrivals, given in order of time."""
    calls = list(arrivals)
    counted = [(call.monotonic, call.users) for call in calls if call.counted]
    sent = [(call.monotonic, call.users) for call in calls]
    return Counters(
        window=window,
        calls=len(calls),
        users=sum(users for _, users in counted),
        users_sent=sum(users for _, users in sent),
        found=sum(call.found for call in calls),
        not_found=sum(call.not_found for call in calls),
        dropped=sum(call.status == DROPPED for call in calls),
        peak_users=peak(counted, window),
        peak_users_sent=peak(sent, window),
        refusals=dict(sorted(Counter(call.status for call in calls if call.status >= 400).items())),  # noqa: PLR2004 - HTTP
    )
