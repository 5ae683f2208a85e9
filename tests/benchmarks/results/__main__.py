"""`python -m tests.benchmarks.results`: collect and read, write docs/benchmarks/results.md, print the figures last.

Environment: RECORDS=n (default 1,000,000).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tests.benchmarks.gate.stage import embedded_aws
from tests.benchmarks.results.reading import Read, from_files, from_parts
from tests.benchmarks.results.seeding import seed
from tests.lookup.stage import Stage, deployed

PROJECT = Path(__file__).parents[3]
PAGE = PROJECT / "docs" / "benchmarks" / "results.md"
RECORDS = 1_000_000


def measured(stage: Stage, records: int) -> dict[str, Any]:
    """Collect so many records in a process of its own, and read them in both ways; return the figures."""
    seed(stage, records)
    environment = {**os.environ, **stage.settings.to_environment(), "POWERTOOLS_METRICS_NAMESPACE": "MoEngageLookup"}
    command = [sys.executable, "-m", "tests.benchmarks.results.collecting"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | _gain(from_parts(stage), from_files(stage))


def _gain(parts: Read, files: Read) -> dict[str, Any]:
    if parts.answers != files.answers:
        raise ValueError("the files do not answer as the parts do")
    return {
        "requests_parts": parts.requests,
        "requests_files": files.requests,
        "fewer_requests": round(parts.requests / files.requests, 1),
        "read_seconds_parts": round(parts.seconds, 2),
        "read_seconds_files": round(files.seconds, 2),
        "less_time": round(parts.seconds / files.seconds, 1),
    }


def page(figures: Mapping[str, Any], begun: float) -> str:
    """Write the page."""
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun))
    rows = [
        ("collected, a million records", "under 4 minutes", f"{figures['seconds'] / figures['records'] * 1e6:.0f} s"),
        ("highest memory", "under 700 MB", f"{figures['peak_mb']} MB"),
        ("fewer GET requests to read it", "50 times", f"{figures['fewer_requests']:g} times"),
        ("less time to read it", "10 times", f"{figures['less_time']:g} times"),
    ]
    goals = "\n".join(f"| {what} | {goal} | {value} |" for what, goal, value in rows)
    told = "\n".join(f"| `{name}` | {value} |" for name, value in figures.items())
    return f"""# Collecting results, and reading them

Written by `make bench-results` on {made}: {figures["records"]:,} records of 2 KB in objects of a hundred,
collected by the services of `on_results` in one process against the embedded S3, which shares the machine; then read by
DuckDB, first from the parts' objects, then from the Parquet files: `GROUP BY outcome`, and one identifier.

| | to reach | measured |
| --- | ---: | ---: |
{goals}

| Figure | |
| --- | ---: |
{told}

Seconds are of this machine. What carries over: requests, memory, and how the two ways of reading compare.
"""


def main() -> None:
    """Run, write, print."""
    begun, records = time.time(), int(os.environ.get("RECORDS") or RECORDS)
    with embedded_aws(PROJECT / ".local/benchmarks/embedded_aws.log"):
        session = boto3.Session(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        with deployed(session, None) as stage:
            figures = measured(stage, records)
    PAGE.write_text(page(figures, begun))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
