"""One cold start, as a program: import a handler, answer one event, end. Its CPU is that of its whole process.

Arguments: the handler's module, a file with the event, and if asked one for the most memory that the process had.
It imports next to nothing that the handler does not.
"""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace

CONTEXT = SimpleNamespace(
    function_name="function",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:function",
    aws_request_id="4f1d2c3b-0000-4000-8000-000000000001",
    get_remaining_time_in_millis=lambda: 29_000,
)


def main() -> None:
    """Answer the event; the answer is printed."""
    module, path, *peak = sys.argv[1:]
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is an import of its own
        event = json.load(file)
    json.dump(importlib.import_module(module).handler(event, CONTEXT), sys.stdout)
    for name in peak:  # not of getrusage: a child's peak begins with that of the process that started it
        with open("/proc/self/status", encoding="ascii") as status, open(name, "w", encoding="ascii") as file:  # noqa: PTH123 - as above
            file.writelines(line for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
