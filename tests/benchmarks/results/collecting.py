"""`python -m tests.benchmarks.results.collecting`: collect one lookup in a process of its own, as one function does."""

from __future__ import annotations

import json
import resource
import sys
import time

from lookup.collection.collection_result import Done
from lookup.wiring.collection import CollectionServices
from tests.benchmarks.results.seeding import LOOKUP_ID

SECONDS = 880.0  # that an invocation has


def main() -> None:
    """Invoke until the lookup is collected, with the services of `on_results`; print the figures."""
    services = CollectionServices.from_environment()
    begun, cpu, invocations, came = time.time(), time.process_time(), 0, None
    while not isinstance(came, Done):
        came = services.collector.collect(LOOKUP_ID, until=time.time() + SECONDS)
        invocations += 1
    one = services.collections.read(LOOKUP_ID)
    if one is None:
        raise ValueError("nothing was collected")
    figures = {
        "records": one.counts.requested,
        "state": one.state.value,
        "files": one.files,
        "bytes": one.bytes,
        "seconds": round(time.time() - begun, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "invocations": invocations,
    }
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
