"""What a process waits for others while it serves a request: every call to AWS and to MoEngage, by name and time.

Watched where they leave the process: in botocore's and urllib3's own HTTP layer. Whatever the service does between
those calls, and beside them, is its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import urllib3
from botocore.httpsession import URLLib3Session

VENDOR = "MoEngage"
WRITE_LASTS = 0.02  # seconds that a write is made to last when one looks whether writes run side by side


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS or the vendor; times are those of `time.perf_counter`."""

    name: str
    began: float
    ended: float


@dataclass
class Stopwatch(AbstractContextManager["Stopwatch"]):
    """While entered, notes every call. With `slow_writes` every put lasts long enough to see what runs beside it."""

    slow_writes: bool = False
    calls: list[Call] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._to_aws, self._to_vendor = URLLib3Session.send, urllib3.PoolManager.urlopen
        setattr(URLLib3Session, "send", self._noted(self._to_aws, _operation))  # noqa: B010 - mypy allows no assignment
        setattr(urllib3.PoolManager, "urlopen", self._noted(self._to_vendor, lambda *_: VENDOR))  # noqa: B010 - as above
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        setattr(URLLib3Session, "send", self._to_aws)  # noqa: B010 - as above
        setattr(urllib3.PoolManager, "urlopen", self._to_vendor)  # noqa: B010 - as above

    def _noted(self, send: Callable[..., Any], name_of: Callable[..., str]) -> Callable[..., Any]:
        def noted(*args: Any, **rest: Any) -> Any:
            name, began = name_of(*args), time.perf_counter()
            answer = send(*args, **rest)
            if self.slow_writes and "Put" in name:
                time.sleep(WRITE_LASTS)
            with self._lock:
                self.calls.append(Call(name, began, time.perf_counter()))
            return answer

        return noted

    def taken(self) -> list[Call]:
        """Return what was noted since the last time, and forget it."""
        with self._lock:
            calls, self.calls = self.calls, []
        return calls


def waited(calls: Iterable[Call]) -> float:
    """Return the seconds during which any of the calls was under way."""
    seconds, until = 0.0, float("-inf")
    for call in sorted(calls, key=lambda one: one.began):
        seconds += max(0.0, call.ended - max(call.began, until))
        until = max(until, call.ended)
    return seconds


def side_by_side(calls: Iterable[Call]) -> bool:
    """Return whether all puts were under way at one moment."""
    puts = [call for call in calls if "Put" in call.name]
    return max(call.began for call in puts) < min(call.ended for call in puts)


def _operation(_: object, request: Any) -> str:
    target = request.headers.get("X-Amz-Target", b"")
    named = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
    return named or f"S3 {request.method.capitalize()}"
