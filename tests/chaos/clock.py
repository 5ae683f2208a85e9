"""The service's time in a chaos run: it passes `factor` times as fast as real time.

The service's spans of time (a feeder's lease, the sweep, the pauses after vendor errors) are constants of minutes.
A run that lives through them must shorten them all alike, so it shortens the second.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, Self

from aws_lambda_powertools.utilities.idempotency import base
from aws_lambda_powertools.utilities.idempotency.persistence import base as kept
from aws_lambda_powertools.utilities.idempotency.persistence import datarecord, dynamodb

Wait = Callable[..., bool]
REAL_TIME, REAL_SLEEP = time.time, time.sleep  # kept from before any process enters its own time


@dataclass(frozen=True, slots=True)
class FastClock:
    """Service time. `started` is the epoch second at which it and real time agree."""

    started: float
    factor: float

    def at(self, real: float) -> float:
        """Return the service's time at a real moment; both are epoch seconds."""
        return self.started + (real - self.started) * self.factor

    def now(self) -> float:
        """Return the service's true time, which no process's skew touches."""
        return self.at(REAL_TIME())

    def passed(self) -> float:
        """Return the real seconds since the start."""
        return REAL_TIME() - self.started

    def wait_until(self, passed: float) -> None:
        """Sleep until so many real seconds have passed since the start."""
        REAL_SLEEP(max(0.0, passed - self.passed()))

    def date(self, response_dict: dict[str, Any], **_: Any) -> None:
        """Set the date of AWS's responses to service time, as botocore's hook `before-parse`: the gate reads it."""
        response_dict["headers"]["date"] = formatdate(self.now(), usegmt=True)


def enter(clock: FastClock, skew: Callable[[], float]) -> None:
    """Run this process in service time, its clock off by `skew()` service seconds.

    This replaces the standard library's clock, sleep and wait, as a machine whose clock is wrong would; nothing of
    our own is patched. It must come before a function's services are made, which take `time.time` with them.
    """
    time.time = lambda: clock.at(REAL_TIME()) + skew()
    time.sleep = lambda seconds: REAL_SLEEP(float(seconds) / clock.factor)
    threading.Event.wait = _shortened(threading.Event.wait, clock.factor)  # type: ignore[method-assign]  # on purpose


def enter_idempotency() -> None:
    """Run Powertools' idempotency in service time too: it reads the clock by a type that cannot be replaced."""
    for module in (base, kept, datarecord, dynamodb):
        module.dt = SimpleNamespace(**vars(dt) | {"datetime": _ServiceTime})  # type: ignore[attr-defined]  # on purpose


class _ServiceTime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)


def _shortened(wait: Wait, factor: float) -> Wait:
    """Scale the timeout of a wait to service time."""
    return lambda event, timeout=None: wait(event, None if timeout is None else timeout / factor)
