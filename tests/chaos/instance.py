"""`python -m tests.chaos.instance on_request|on_schedule`: a function instance that is invoked over its standard input.

An event is a line of JSON, and so is the answer on standard output: {"answer": …}, or {"error": …} when the handler
raised. What the function itself prints goes to standard error with its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

from tests.chaos.process import RAISED, Context, ProcessState, begin


def main() -> None:
    """Answer events until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    state = begin()
    module = importlib.import_module(sys.argv[1])
    state.faults.register(module.services().session.events)
    for line in sys.stdin:
        print(json.dumps(_answer(module.handler, json.loads(line), state)), file=answers, flush=True)


def _answer(handler: Any, event: dict[str, Any], state: ProcessState) -> dict[str, Any]:
    try:
        return {"answer": handler(event, Context(state=state))}
    except Exception as error:  # noqa: BLE001 - Lambda's runtime logs whatever a handler raises
        traceback.print_exc()
        state.faults.note(RAISED)
        return {"error": type(error).__name__}


if __name__ == "__main__":
    main()
