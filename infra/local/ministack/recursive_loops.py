"""Lambda's recursive loop detection through SQS; MiniStack follows a chain of invocations by `Invoke` only.

AWS counts how often one event has invoked the same function. The count travels from an invocation to the messages that
it sends, by the trace header that the SDK adds, and from a message to the invocation that it starts. After about 16
invocations Lambda refuses the next one with `RecursiveInvocationException`, counts `RecursiveInvocationsDropped`, and
the message stays on its queue, one delivery older, unless the function's `RecursiveLoop` is `Allow`:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html

MiniStack's workers copy one number, the depth of an invocation, into every request that they send. Here that number
names the invocation, and with it the counts of its chain.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sqs  # type: ignore[import-untyped]  # ships no types
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]  # ships no types

LIMIT = 16  # invocations of one function by one chain of events; AWS says approximately
ALLOW, TERMINATE = "Allow", "Terminate"
DEPTH_HEADER = lambda_svc.INVOKE_DEPTH_HEADER.lower()
Chain = Mapping[str, int]  # invocations by function name
Fields = Mapping[str, Any]
Provision = Callable[..., tuple[str, dict[str, Any]]]

_NOBODY: Chain = MappingProxyType({})
_running: dict[str, Chain] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()
_sender: ContextVar[Chain] = ContextVar("sender", default=_NOBODY)


def detect_loops() -> None:
    """Replace the places of MiniStack where a message is sent, handed over, and a function is deployed."""
    sqs.handle_request = remembering_the_sender(sqs.handle_request)
    sqs._build_send_sys_attrs = with_chain(sqs._build_send_sys_attrs)  # noqa: SLF001 - see engine.py
    lambda_svc._run_sqs_batch = refusing_loops(lambda_svc._run_sqs_batch)  # noqa: SLF001
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]  # noqa: SLF001
    handlers["create"] = with_recursive_loop(handlers["create"], properties_at=1)
    handlers["update"] = with_recursive_loop(handlers["update"], properties_at=2)


def remembering_the_sender(handle: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """Note the chain of the invocation that sends a request while the request is served."""

    async def handled(method: str, path: str, headers: Mapping[str, str], *rest: object) -> object:
        _sender.set(_running.get(headers.get(DEPTH_HEADER, ""), _NOBODY))
        return await handle(method, path, headers, *rest)

    return handled


def with_chain(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Write the sender's chain into each message, beside the attributes that receivers see."""

    def built(*arguments: object) -> dict[str, Any]:
        return build(*arguments) | {"chain": _sender.get()}

    return built


def refusing_loops(run: Callable[..., None]) -> Callable[..., None]:
    """Invoke a function with a batch unless one of the messages has invoked it too often."""

    def ran(mapping: Fields, function: Fields, event: object, batch: Sequence[Fields], *rest: object) -> None:
        name = str(mapping["FunctionName"])
        chain = one_more(name, [message.get("sys", {}).get("chain", _NOBODY) for message in batch])
        if chain[name] > LIMIT and function.get("recursive_loop", TERMINATE) != ALLOW:
            dimensions = {"FunctionName": name}
            cloudwatch.record_metric("AWS/Lambda", "RecursiveInvocationsDropped", 1, "Count", dimensions)
            return  # the batch stays invisible for its queue's time, then it is delivered again
        with _lock:
            number = next(_numbers)
        _running[str(number)] = chain
        lambda_svc._invoke_depth.set(number)  # noqa: SLF001 - see engine.py
        try:
            run(mapping, function, event, batch, *rest)
        finally:
            del _running[str(number)]

    return ran


def one_more(name: str, chains: Sequence[Chain]) -> dict[str, int]:
    """Return the counts of an invocation of `name` by messages of these chains: of each function the highest."""
    functions = {name}.union(*chains)
    counts = {function: max((chain.get(function, 0) for chain in chains), default=0) for function in functions}
    return counts | {name: counts[name] + 1}


def with_recursive_loop(provision: Provision, *, properties_at: int) -> Provision:
    """Keep the property `RecursiveLoop` of a function that CloudFormation deploys."""

    def provisioned(*arguments: Any, **named: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - MiniStack's own
        name, attributes = provision(*arguments, **named)
        properties = arguments[properties_at]
        lambda_svc._functions[name]["recursive_loop"] = properties.get("RecursiveLoop", TERMINATE)  # noqa: SLF001
        return name, attributes

    return provisioned
