"""Where the CPU of a process goes: time of threads in marked functions and calls to AWS, each without those inside."""

from __future__ import annotations

import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from botocore.client import BaseClient

VENDOR, MATCHING, SERIALISATION = "vendor call", "matching", "serialisation"
DYNAMODB, S3, LEDGER, GATE, REST = "DynamoDB (profiles)", "S3", "ledger", "gate", "rest"
# Functions of the pipeline by what they are counted as; of a name that a module imported, that module's.
MARKED: Mapping[str, tuple[tuple[str, str], ...]] = {
    VENDOR: (("lookup.moengage.client", "exchange"),),
    MATCHING: (("lookup.moengage.client", "read_response"), ("lookup.moengage.client", "match_users")),
    SERIALISATION: (
        ("lookup.exact_json", "well_formed"),
        ("lookup.results.profiles", "to_item"),
        ("lookup.results.profiles", "fits_item"),
        ("lookup.results.files", "ndjson"),
        ("lookup.results.files", "packed"),
    ),
}


class Split:
    """Seconds of the processor by kind of work, over all threads."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._thread = threading.local()

    def begin(self) -> None:
        """Forget what was measured."""
        self._seconds.clear()

    def shares(self, total: float) -> dict[str, float]:
        """Return the share of each kind in `total` seconds; what is in none of them is the rest."""
        shares = {kind: seconds / total for kind, seconds in sorted(self._seconds.items())}
        return {kind: round(share, 3) for kind, share in (*shares.items(), (REST, 1 - sum(shares.values())))}

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Measure the marked functions, and the calls of all clients."""
        undo: list[Callable[[], None]] = []
        for kind, names in MARKED.items():
            for module_name, name in names:
                module = importlib.import_module(module_name)
                whole = getattr(module, name)
                setattr(module, name, self.timed(whole, _always(kind)))
                undo.append(partial(setattr, module, name, whole))
        client: Any = BaseClient  # its stub lacks the one method that every call passes
        call = client._make_api_call  # noqa: SLF001 - as above
        client._make_api_call = self.timed(call, _kind_of)  # noqa: SLF001 - as above
        try:
            yield
        finally:
            client._make_api_call = call  # noqa: SLF001 - as above
            for one in undo:
                one()

    def timed(self, function: Callable[..., Any], kind_of: Callable[..., str]) -> Callable[..., Any]:
        """Return the function, measured as what `kind_of` its arguments is."""

        @wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            outer, self._thread.inside = getattr(self._thread, "inside", 0.0), 0.0
            started = time.thread_time()
            try:
                return function(*args, **named)
            finally:
                took = time.thread_time() - started
                with self._lock:
                    self._seconds[kind_of(*args, **named)] += took - self._thread.inside
                self._thread.inside = outer + took

        return timed


def _always(kind: str) -> Callable[..., str]:
    return lambda *_, **__: kind


def _kind_of(client: Any, operation: str, arguments: Mapping[str, Any]) -> str:
    """Return whose a call to AWS is."""
    service = client.meta.service_model.service_name
    if service == "s3":
        return S3
    if service != "dynamodb":
        return f"{service}"
    written = str(arguments)[:4000]
    if "gate#" in written and operation in {"UpdateItem", "GetItem"}:
        return GATE
    return DYNAMODB if "profiles" in written and "ledger" not in written else LEDGER
