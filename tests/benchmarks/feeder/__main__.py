"""`python -m tests.benchmarks.feeder`: run it all, write docs/benchmarks/lookups.md, print the figures as JSON last.

Environment: SCALE=n quota seconds in a real second (default 5); LINES=n of the huge roster (default 1,000,000); RUNS=n
repeats the shares of 3:1 and of the intake queue alone, with a seed each, and prints its figures, without a page.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from lookup.quota import Quota
from tests.benchmarks.disturbance import watched
from tests.benchmarks.feeder.huge import cost
from tests.benchmarks.feeder.report import Report, write
from tests.benchmarks.feeder.scenarios import attacked, beside_messages, overtaking, sharing
from tests.benchmarks.feeder.stage import opened
from tests.benchmarks.gate.stage import embedded_aws

PROJECT = Path(__file__).parents[3]
FACTOR, LINES = 5.0, 1_000_000
SHARED = 4000  # users served until shares are measured


def measured(factor: float, lines: int, users: int, quota: Quota) -> Report:
    """Run the benchmark; the embedded AWS runs already."""
    started, costs = time.time(), []
    for packed in (False, True):
        with opened(1.0, workers=0) as bench:
            print(f"a roster of {lines:,}{', gzip' if packed else ''} …", file=sys.stderr)  # noqa: T201 - progress
            costs.append(cost(bench.stage, lines, packed=packed))
    print("a small lookup behind a huge one, then two partners, equal and 3:1 …", file=sys.stderr)  # noqa: T201 - progress
    scenarios = [overtaking(factor, quota), *(sharing(quota, weight, 2 * users) for weight in (1, 3))]
    print("a flood of small lookups beside a roster …", file=sys.stderr)  # noqa: T201 - progress
    scenarios.append(attacked(factor, quota, users))
    print("messages of the intake queue beside a roster …", file=sys.stderr)  # noqa: T201 - progress
    scenarios.append(beside_messages(quota, 2 * users))
    return Report(costs[0], costs[1], lines, scenarios, factor, started, time.time() - started)


def main() -> None:
    """Run, write, print."""
    factor, lines = float(os.environ.get("SCALE") or FACTOR), int(os.environ.get("LINES") or LINES)
    runs = int(os.environ.get("RUNS") or 0)
    with watched() as watch, embedded_aws(PROJECT / ".local/benchmarks/embedded_aws.log"):
        if runs:
            seeds = range(1, runs + 1)
            shares = [round(sharing(Quota(), 3, 2 * SHARED, seed).result, 2) for seed in seeds]
            intake = [round(beside_messages(Quota(), 2 * SHARED, seed).result, 2) for seed in seeds]
            print(json.dumps({"share_3_to_1": shares, "share_intake": intake}))  # noqa: T201 - as below
            return
        report = measured(factor, lines, SHARED, Quota())
    is_whole = (factor, lines) == (FACTOR, LINES)
    page = write(report, PROJECT / ("docs/benchmarks" if is_whole else ".local/benchmarks"))
    print(f"Written to {page.relative_to(PROJECT)}.")  # noqa: T201 - for the terminal
    print(watch.last_line(report.to_json(), page))  # noqa: T201 - the last line is for programs


if __name__ == "__main__":
    main()
