"""Counts functions' AWS requests, by botocore's event hooks on their own session, and what they log."""

from __future__ import annotations

import io
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lookup.aws.session import ClientSession
from lookup.telemetry import logger
from tests.benchmarks.cost.prices import Item
from tests.benchmarks.cost.units import Params, Usage, add, item_size, units

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT_OVERHEAD = 26  # bytes that CloudWatch Logs adds to each event (PutLogEvents, quotas)
GATE = "gate#"
GB = 1024**3


@dataclass
class Meter:
    """`requests` by service, operation and, of DynamoDB, table; `gate_requests` are those of the gate's item."""

    store: DynamoDBClient  # not metered: reads how large an item is
    usage: Usage = field(default_factory=lambda: defaultdict(float))
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    gate_requests: int = 0
    gate_usage: Usage = field(default_factory=lambda: defaultdict(float))
    cpu: float = 0.0  # seconds that counting itself took of the processor, which is not billed

    def watch(self, session: ClientSession) -> None:
        """Count every request of clients that the session makes from now on."""
        session.events.register("provide-client-params.*", _remember)
        session.events.register("after-call.*", self._count)

    def _count(self, model: Any, parsed: Any, context: Any, **_: Any) -> None:
        started = time.thread_time()
        self.count_request(model.service_model.service_name, model.name, context["cost_params"], parsed)
        self.cpu += time.thread_time() - started

    def count_request(self, service: str, operation: str, params: Params, answer: Params) -> None:
        """Count one request; of the gate's item apart, because how many those are depends on the pace."""
        used = units(service, operation, params, answer, self._size_of)
        self.requests[service, operation] += 1
        if _key_of(params).startswith(GATE):
            self.gate_requests += 1
            add(self.gate_usage, used)
        else:
            add(self.usage, used)

    def _size_of(self, table: str, item: Params) -> int:
        names = ("pk", "sk") if "pk" in item else ("identifier", "scope")
        key = {name: item[name] for name in names}
        stored: Mapping[str, Any] = self.store.get_item(TableName=table, Key=key).get("Item", {})
        return item_size(stored)

    @contextmanager
    def log(self) -> Iterator[None]:
        """Count what is logged in the meantime."""
        written = io.StringIO()
        handlers = [handler for handler in logger.handlers if hasattr(handler, "setStream")]
        before = [handler.setStream(written) for handler in handlers]
        try:
            with redirect_stdout(written):
                yield
        finally:
            for handler, stream in zip(handlers, before, strict=True):
                handler.setStream(stream)
            lines = written.getvalue().splitlines()
            self.logged(sum(len(line.encode()) + EVENT_OVERHEAD for line in lines))

    def logged(self, size: float) -> None:
        """Count bytes of log events."""
        self.usage[Item.LOG_GB] += size / GB


def _remember(params: Any, context: Any, **_: Any) -> None:
    context["cost_params"] = params


def _key_of(params: Params) -> str:
    key = params.get("Key") or params.get("Item") or {}
    found = key.get("pk", {}) if isinstance(key, Mapping) else {}
    return str(found.get("S", ""))
