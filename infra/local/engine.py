"""`python -m infra.local.engine`: MiniStack, with two behaviours of AWS that it lacks and that this service relies on.

- An SQS event source mapping collects a batch until it is full or its window is over. MiniStack takes at most 10
  messages and knows no window: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
- EventBridge Scheduler writes its context attributes, such as `<aws.scheduler.scheduled-time>`, into a schedule's
  input: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html

It ends when its standard input does: it never outlives who started it. The places of MiniStack that are replaced are
those of the one version that the requirements lock; `tests/local/test_engine.py` notices when they move.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.services import (  # type: ignore[import-untyped]  # ships no types
    eventbridge,
    lambda_svc,
    scheduler,
    sqs,
)

SCHEDULER_TICK = 1.0  # seconds between two looks at the schedules (MiniStack: 10)
Fields = Mapping[str, Any]
Invoke = Callable[..., None]


def main() -> None:
    """Serve until SIGTERM, or until whoever holds the other end of standard input is gone."""
    sqs._receive_messages_for_esm = collect_batch  # noqa: SLF001 - see above
    eventbridge._invoke_target = with_context_attributes(eventbridge._invoke_target)  # noqa: SLF001
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULER_TICK  # noqa: SLF001
    threading.Thread(target=_end_with_input, daemon=True).start()
    app.main()


def collect_batch(queue_url: str, batch_size: int) -> list[dict[str, Any]]:
    """Take a full batch, or what there is once the oldest message has waited for the mapping's window."""
    with sqs._queues_lock:  # noqa: SLF001
        queue = sqs._get_q(queue_url)  # noqa: SLF001
        sqs._expire_retained(queue)  # noqa: SLF001
        sqs._dlq_sweep(queue)  # noqa: SLF001
        now = time.time()
        waiting = [message["visible_at"] for message in queue["messages"] if message["visible_at"] <= now]
        if not waiting or (len(waiting) < batch_size and now < min(waiting) + _window(queue)):
            return []
        visibility = int(queue["attributes"].get("VisibilityTimeout", "30"))
        batch: list[dict[str, Any]] = sqs._collect_msgs(queue, batch_size, visibility)  # noqa: SLF001
        return batch


def _window(queue: Fields) -> float:
    arn = queue["attributes"].get("QueueArn")
    mappings = (mapping for _, _, mapping in lambda_svc._iter_all_esms())  # noqa: SLF001
    return max((m.get("MaximumBatchingWindowInSeconds", 0) for m in mappings if m["EventSourceArn"] == arn), default=0)


def with_context_attributes(invoke: Invoke) -> Invoke:
    """Let a schedule's input hold the values of its firing before its target gets it."""

    def invoked(
        target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: object = None
    ) -> None:
        if event.get("Source") == "aws.scheduler" and target.get("Input"):
            target = {**target, "Input": _filled_in(target["Input"], event, rule)}
        invoke(target, event, rule, view)

    return invoked


def _filled_in(text: str, event: Fields, schedule: Fields) -> str:
    due = scheduler._at_time_epoch(schedule.get("ScheduleExpression", "")) or event["Time"]  # noqa: SLF001
    values = {
        "schedule-arn": str(schedule.get("Arn", "")),
        "scheduled-time": datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _end_with_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main()
