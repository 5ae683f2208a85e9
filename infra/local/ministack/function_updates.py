"""An update of a function lets its running invocations end; MiniStack kills their processes.

Lambda can be invoked at any time of an update, and moves to the new code when that is ready:
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
A message whose worker was killed would be hidden for its queue's visibility time after every deployment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]  # ships no types
from ministack.services import lambda_svc  # type: ignore[import-untyped]  # ships no types

LOOK_SECONDS = 0.05


def let_invocations_end() -> None:
    """Replace the place of MiniStack where an update ends a function's workers."""
    lambda_svc.invalidate_worker = sparing_the_busy(lambda_svc.invalidate_worker)


def sparing_the_busy(invalidate: Callable[..., None]) -> Callable[..., None]:
    """Take the busy workers out of the pool first, so that they get no more work; end them when they are done."""

    def invalidated(
        name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        busy = _taken_out(name, qualifier, account, region)
        invalidate(name, qualifier=qualifier, account=account, region=region)
        if busy:
            threading.Thread(target=_end_when_done, args=(busy,), daemon=True).start()

    return invalidated


def _taken_out(*wanted: str | None) -> list[Any]:
    found: list[Any] = []
    with lambda_runtime._lock:  # noqa: SLF001 - see engine.py
        for key, workers in lambda_runtime._workers.items():  # noqa: SLF001
            account, region, name, qualifier = key.split(":")
            if all(one in {None, other} for one, other in zip(wanted, (name, qualifier, account, region), strict=True)):
                found += [worker for worker in workers if worker.in_use]
                workers[:] = [worker for worker in workers if not worker.in_use]
    return found


def _end_when_done(workers: Sequence[Any]) -> None:
    give_up = time.monotonic() + max(float(worker.config.get("Timeout", 30)) for worker in workers)
    while any(worker.in_use for worker in workers) and time.monotonic() < give_up:
        time.sleep(LOOK_SECONDS)
    lambda_runtime.kill_workers(workers)
