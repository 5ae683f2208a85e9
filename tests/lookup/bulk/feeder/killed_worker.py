"""Serves one SQS event from standard input as the deployed function does, and dies where it is told to.

KILL_BEFORE=n: SIGKILL when the n-th AWS request (1 is the first) is about to leave. Each request that does leave is
written to standard error, as `service.Operation`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from itertools import count

import on_queue
from lookup.wiring import clients


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    function_name: str = "on_queue"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:on_queue"
    aws_request_id: str = "4f1d2c3b-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main() -> None:
    """Serve the event, or die."""
    kill_before, numbers = int(os.environ.get("KILL_BEFORE") or 0), count(1)

    def before_send(event_name: str, **_: object) -> None:
        if next(numbers) == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(2, f"{event_name.removeprefix('before-send.')}\n".encode())

    clients.session().events.register("before-send", before_send)
    answer = on_queue.handler(json.load(sys.stdin), Context())
    if answer != {"batchItemFailures": []}:
        sys.exit(f"given back: {answer}")


if __name__ == "__main__":
    main()
