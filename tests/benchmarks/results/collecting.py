"""`python -m tests.benchmarks.results.collecting LOOKUP`: one invocation of `on_results`, in a process of its own.

Environment: INVOCATION_SECONDS, what an invocation has (default 880).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from functools import cached_property
from typing import Any

from lookup.collection.collection_result import Done, Held
from lookup.ledger.collecting.collections import Collection, CollectionLedger, FileSet
from lookup.wiring.collection import CollectionServices
from tests.benchmarks.cost.meter import Meter

SECONDS = 880.0


class Watched(CollectionLedger):
    """Notes when each set of files is written: how many records there are then."""

    points: list[tuple[int, float]] = []  # noqa: RUF012 - of this process

    def write(self, lookup_id: str, now: Collection, *, seen: Collection | None, files: FileSet | None = None) -> bool:
        """Write, and note."""
        is_written = super().write(lookup_id, now, seen=seen, files=files)
        if files is not None:
            self.points.append((now.counts.requested, time.time()))
        return is_written


class BenchServices(CollectionServices):
    """The services of `on_results`, watched."""

    @cached_property
    def collections(self) -> CollectionLedger:
        return Watched(self.table)


def invoke(lookup_id: str, seconds: float) -> dict[str, Any]:
    """Collect a lookup for so many seconds at most; return the figures."""
    begun = time.time()
    services = BenchServices.from_environment()
    meter = Meter(services.dynamodb)
    meter.watch(services.session)
    with services.pulse(lambda _: None) as pulse:
        result = services.collector.collect(lookup_id, until=begun + seconds, claimed=pulse.claimed)
    ended, one = time.time(), services.collections.read(lookup_id)
    if one is None:
        raise ValueError("nothing was collected")
    return {
        "is_done": isinstance(result, Done),
        "wait": max(0.0, result.until - ended) if isinstance(result, Held) else 0.0,
        "state": one.state.value,
        "records": one.counts.requested,
        "files": one.files,
        "bytes": one.bytes,
        "seconds": ended - begun,
        "cpu_seconds": time.process_time() - meter.cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "points": [[records, at - begun] for records, at in Watched.points],
        "usage": {item.name: number for item, number in meter.usage.items()},
    }


def main() -> None:
    """Invoke once; print the figures."""
    figures = invoke(sys.argv[1], float(os.environ.get("INVOCATION_SECONDS") or SECONDS))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
