"""A function that ends without a word at the n-th thing that it does outside: before it takes effect, or just after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lookup.erasure.queue import ErasureStep
from tests.lookup.erasure.world import Erasing, Steps


class Killed(BaseException):
    """The end of a function; nothing of it catches this, or can do anything after it."""


class Death:
    """Ends everything from the n-th request on; odd ones are carried out, and nobody learns of it."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self._is_after = bool(moment % 2)
        self.has_come = False

    def before(self, **_: Any) -> None:
        self._left -= 1
        if self.has_come or (self._left <= 0 and not self._is_after):
            self.has_come = True
            raise Killed

    def after(self, **_: Any) -> None:
        if self._left <= 0:
            self.has_come = True
            raise Killed


@contextmanager
def dying(erasing: Erasing, moment: int) -> Iterator[Death]:
    """Let the services die at the n-th request or message."""
    death, send = Death(moment), erasing.steps.send
    clients: tuple[Any, ...] = (erasing.s3, erasing.dynamodb)
    for client in clients:
        client.meta.events.register("before-send", death.before)
        client.meta.events.register("after-call", death.after)

    class Sending(Steps):
        def send(self, step: ErasureStep, *, after: float = 0.0) -> None:
            death.before()
            send(step, after=after)
            death.after()

    erasing.steps.send = Sending(erasing.clock).send  # type: ignore[method-assign]  # the queue of a function that dies
    try:
        yield death
    finally:
        erasing.steps.send = send  # type: ignore[method-assign]  # the queue again
        for client in clients:
            client.meta.events.unregister("before-send", death.before)
            client.meta.events.unregister("after-call", death.after)


@contextmanager
def dying_after_write(erasing: Erasing, number: int) -> Iterator[None]:
    """Let the services die once they have written so many objects."""
    left = [number]

    def written(**_: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    events: Any = erasing.s3.meta.events
    events.register("after-call.s3.PutObject", written)
    try:
        yield
    finally:
        events.unregister("after-call.s3.PutObject", written)
