"""How `make test` divides the tests among its workers: what shares something costly stays together, the longest begins.

The tests of a file run in one worker, in their order; so do those of a folder that shares what is costly to make.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # ships no types

# Path → what its tests share with others: made once, in the worker that has them all.
TOGETHER = {
    "tests/infra/rehearsal/": "nothing but their place: the rehearsal is a long one by itself",
    "tests/infra/": "synthesised templates, and the Node process that the CDK runs in",
    "tests/handlers/test_watched_metrics.py": "synthesised templates, and the Node process that the CDK runs in",
    "tests/lookup/moengage/test_error_table.py": "synthesised templates, and the Node process that the CDK runs in",
    "tests/local/enforced/": "a stage that enforces IAM",
    "tests/console/": "a stage, a browser and the people who are signed in there",
}
# Measured, the longest first; whatever is not here takes seconds. What is long and begins last is waited for alone.
BEGIN_FIRST = (
    "tests/infra/rehearsal/",
    "tests/infra/",
    "tests/chaos/test_small.py",
    "tests/attack/test_short.py",
    "tests/console/",
    "tests/openapi/test_schemathesis.py",
    "tests/lookup/bulk/feeder/test_state_machine.py",
    "tests/benchmarks/test_feeder_bench.py",
    "tests/browser/test_partners.py",
    "tests/interruptions/",
    "tests/local/enforced/",
    "tests/lookup/bulk/feeder/test_killed_worker.py",
    "tests/benchmarks/test_cost.py",
    "tests/local/test_job.py",
    "tests/benchmarks/test_api_bench.py",
    "tests/lookup/erasure/test_interrupted.py",
    "tests/local/test_once.py",
    "tests/chaos/test_fault_injection.py",
    "tests/handlers/test_accepted.py",
)
MOST_WORKERS = 8  # each takes about 1 GB with the servers that it starts


class Distribution(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Files, and what is together, go to workers as wholes, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for path, shared in TOGETHER.items() if nodeid.startswith(path)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Distribution | None:
    """Divide the tests so where files are kept whole (`--dist loadfile`)."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # by number of tests, which says little of how long they take
    return Distribution(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of `-n auto`: two more than cores, for half of their time they wait for other processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores + 2, MOST_WORKERS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest to the front; the others keep their order."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, path in enumerate(BEGIN_FIRST) if item.nodeid.startswith(path)), len(BEGIN_FIRST))
