"""Processes one SQS event from standard input as the deployed function does, and is killed where KILL_BEFORE says.

KILL_BEFORE=n: SIGKILL when the n-th AWS request (1 is the first) is about to leave. Each request that does leave is
written to standard error, as `service.Operation`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from itertools import count

import on_queue
from tests.lambda_context import LambdaContext


def main() -> None:
    """Serve the event, or die."""
    kill_before, numbers = int(os.environ.get("KILL_BEFORE") or 0), count(1)

    def before_send(event_name: str, **_: object) -> None:
        if next(numbers) == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(2, f"{event_name.removeprefix('before-send.')}\n".encode())

    on_queue.services().session.events.register("before-send", before_send)
    answer = on_queue.handler(json.load(sys.stdin), LambdaContext(remaining_seconds=60.0))
    if answer != {"batchItemFailures": []}:
        sys.exit(f"given back: {answer}")


if __name__ == "__main__":
    main()
