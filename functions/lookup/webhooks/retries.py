"""What follows from an answer: done, tried again after a delay, or given up. Pure functions of numbers.

SQS hides a message for 12 hours at most, counted from when it was received, so the longest delay is 11 hours:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from http import HTTPStatus

from lookup.webhooks.sender import Answer

# Seconds after the first try, the second and so on; the last is repeated.
RETRY_DELAYS = (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 11 * 3600)
JITTER = 0.05  # of a delay, added to it
LONGEST_ATTEMPTS = 3 * 24 * 3600  # seconds for which a message is tried
LONGEST_RETRY_AFTER = 6 * 3600  # seconds of a receiver's own `Retry-After`
FEW_TRIES = 4  # of what the receiver refuses: the same again will hardly help

FAILURES_BEFORE_BACKOFF = 3  # calls in a row without a usable answer
FIRST_BACKOFF, LONGEST_BACKOFF = 30, 3600  # seconds for which such a receiver is not called; they double
FIRST_BUSY, LONGEST_BUSY = 1, 300  # seconds that a message waits for others of its receiver; they double


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took it."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It is to be sent again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is not sent again; `disables` when the receiver wants nothing more."""

    reason: str
    disables: bool = False


Verdict = Delivered | TryAgain | GiveUp


def is_success(answer: Answer) -> bool:
    """Return whether a receiver took a webhook: any 2xx."""
    return answer.status is not None and HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def is_refusal(answer: Answer) -> bool:
    """Return whether a receiver answered that it will not take this: a redirect, or a 4xx but 408 and 429."""
    if answer.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS} or answer.status is None:
        return False
    return HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR


def judge(answer: Answer, *, tries: int, age: float, retry_after: float | None) -> Verdict:
    """Decide after so many tries, `age` seconds after the message was sent; `retry_after` is in seconds, too."""
    if is_success(answer):
        return Delivered()
    said = f"HTTP {answer.status}" if answer.status is not None else answer.error
    if answer.status == HTTPStatus.GONE:
        return GiveUp(f"{said}: the receiver wants no webhooks any more", disables=True)
    if is_refusal(answer) and tries >= FEW_TRIES:
        return GiveUp(f"{said} in {tries} tries")
    wait = max(retry_delay(tries), min(retry_after or 0.0, LONGEST_RETRY_AFTER))
    if age + wait > LONGEST_ATTEMPTS:
        return GiveUp(f"{said} in {tries} tries, for three days")
    return TryAgain(wait)


def retry_delay(tries: int) -> float:
    """Return the seconds between a message's tries."""
    return _jittered(RETRY_DELAYS[min(max(tries, 1), len(RETRY_DELAYS)) - 1])


def backoff(failures: int) -> float:
    """Return for how many seconds a receiver is paused after so many calls in a row without a usable answer."""
    doublings = min(failures - FAILURES_BEFORE_BACKOFF, 16)
    return 0.0 if doublings < 0 else _jittered(min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**doublings))


def busy_delay(received: int) -> float:
    """Return how long a message waits while as many calls of its receiver are under way as may be."""
    longest: float = min(LONGEST_BUSY, FIRST_BUSY * 2 ** min(received, 16))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - jitter


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.0 + JITTER)  # noqa: S311 - jitter
