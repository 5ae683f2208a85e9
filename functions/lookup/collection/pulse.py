"""A sign of life while work goes on: of a function that dies, message and claim are free again soon after.

SQS wants a visibility timeout of its queue that is no shorter than the function's time, but a message's own may be:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from lookup.errors import ServiceError
from lookup.model import Clock

INTERVAL = 20.0  # seconds between two beats
LIFE = 90.0  # seconds for which a beat holds: three may be lost, and a fourth be late

Hide = Callable[[float], None]  # keeps a message from others for so many seconds
Beat = Callable[[str, str, float], object]  # moves on the claim of a lookup with this token


class Pulse:
    """Beats in a thread of its own from `with` on, for a message and for the claim that its work made."""

    def __init__(self, hide: Hide, beat: Beat, clock: Clock, *, interval: float = INTERVAL) -> None:
        self._hide = hide
        self._beat = beat
        self._clock = clock
        self._interval = interval
        self._claim: tuple[str, str] | None = None
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def claimed(self, lookup_id: str, token: str) -> None:
        """Beat for a claim from now on."""
        self._claim = lookup_id, token
        self.beat()

    def beat(self) -> None:
        """Beat once. An error of AWS only shortens what the next one lengthens again."""
        with suppress(BotoCoreError, ClientError, ServiceError):
            self._hide(LIFE)
        if self._claim is not None:
            with suppress(BotoCoreError, ClientError, ServiceError):
                self._beat(*self._claim, self._clock() + LIFE)

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            self.beat()

    def __enter__(self) -> Self:
        """Begin."""
        self.beat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End: nothing beats any more once this returns."""
        self._ended.set()
        self._thread.join()
