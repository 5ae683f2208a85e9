"""Where a waiting caller's time goes: DynamoDB requests, waiting for quota, and the rest, which is the machine's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from lookup.gate.limiter import GateEvent, Observation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Stopped(Exception):
    """The run is over before the caller was admitted."""


class Stop:
    """When the run is over (epoch seconds); known only once every process is ready."""

    def __init__(self) -> None:
        self.at = inf


class Meter(threading.local):
    """Sums of the present thread, in seconds: each thread has its own.

    `gate` is the time of DynamoDB requests, from the call to the parsed answer, and `requests` counts them with their
    retries. `quota` is what a caller decided to wait, not what its sleep really took: oversleeping is the machine's.
    `unused` users were charged for nothing, because DynamoDB's answer came too late to send in time.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.reset()

    def reset(self) -> None:
        """Begin a new measurement."""
        self.gate = self.quota = self._asked_at = 0.0
        self.requests = self.unused = 0

    def observe(self, observation: Observation) -> None:
        """Record an event of this project's gate."""
        if observation.event is GateEvent.UNUSED:
            self.unused += round(observation.value)

    def watch(self, client: DynamoDBClient) -> None:
        """Measure every request of a client, in any thread."""
        events = client.meta.events
        events.register("provide-client-params.dynamodb", self._begin)
        events.register("request-created.dynamodb", self._count)
        events.register("after-call.dynamodb", self._finish)
        events.register("after-call-error.dynamodb", self._finish)

    def sleep(self, seconds: float) -> None:
        """Wait for quota. Raises `Stopped` when the run ends first."""
        left = self._stop.at - time.time()
        self.quota += max(0.0, min(seconds, left))
        time.sleep(max(0.0, min(seconds, left)))
        if seconds >= left:
            raise Stopped

    def left(self) -> float:
        """Return the seconds until the run is over."""
        return self._stop.at - time.time()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count all of a block's time as waiting for quota."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.quota += time.perf_counter() - started

    def _begin(self, **_: object) -> None:
        self._asked_at = time.perf_counter()

    def _count(self, **_: object) -> None:
        self.requests += 1

    def _finish(self, **_: object) -> None:
        self.gate += time.perf_counter() - self._asked_at
