"""A function instance that is invoked over a connection.

An event is JSON, and so is the answer: {"answer": …}, or {"error": …} when the handler raised. What the function itself
prints goes to the process's log.
"""

from __future__ import annotations

import importlib
import json
import traceback
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from tests.chaos.process import RAISED, Context, ProcessFacts, ProcessState, begin


def serve(environment: Mapping[str, str], facts: ProcessFacts, connection: Connection, function: str) -> None:
    """Answer events as `on_request` or `on_schedule`, until there are no more."""
    state = begin(environment, facts)
    module = importlib.import_module(function)
    state.faults.register(module.services().session.events)
    with suppress(EOFError):
        while True:
            answer = _answer(module.handler, json.loads(connection.recv_bytes()), state)
            connection.send_bytes(json.dumps(answer).encode())


def _answer(handler: Any, event: dict[str, Any], state: ProcessState) -> dict[str, Any]:
    try:
        return {"answer": handler(event, Context(state=state))}
    except Exception as error:  # noqa: BLE001 - Lambda's runtime logs whatever a handler raises
        traceback.print_exc()
        state.faults.note(RAISED)
        return {"error": type(error).__name__}
