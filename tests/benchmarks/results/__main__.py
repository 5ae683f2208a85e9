"""`python -m tests.benchmarks.results`: collect and read, write docs/benchmarks/results.md, print the figures last.

Environment: RECORDS=n (default 1,000,000). More than a million are collected only, by invocations that have five
minutes each, and written into the page's last section, which a run of a million leaves as it is: reading them from
parts takes as much memory again. Fewer write a page into .local/benchmarks.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tests.benchmarks.disturbance import watched
from tests.benchmarks.gate.stage import embedded_aws
from tests.benchmarks.results.chart import chart
from tests.benchmarks.results.invocations import Collected, collect, cost_of
from tests.benchmarks.results.reading import Read, from_files, from_parts
from tests.benchmarks.results.seeding import FEW, LOOKUP_ID, seed
from tests.lookup.stage import Stage, deployed

PROJECT = Path(__file__).parents[3]
PAGE = PROJECT / "docs" / "benchmarks" / "results.md"
RECORDS = 1_000_000
SHORT_INVOCATION = 300.0  # seconds, so that five million take several
RECORD_BYTES = 3000  # of memory that the embedded S3 takes for a record: in its part, and in two files
MEMORY = Path("/proc/meminfo")


PAGE_TEXT = """# Collecting results, and reading them

Written by `make bench-results` on {made}: {records:,} records of 2 KB in objects of a hundred, collected by the
services of `on_results`, each invocation a process of its own, against the embedded S3, which shares the machine; then
read by DuckDB, first from the parts' objects, then from the Parquet files: `GROUP BY outcome`, and one identifier.

![Records collected over seconds; reading parts against reading files](results.svg)

| | to reach | measured |
| --- | ---: | ---: |
{goals}

| Figure | |
| --- | ---: |
{told}

Seconds are of this machine. What carries over: requests, memory, and how the two ways of reading compare. From a
lookup's end to its files there are beside that the event's way to the queue and the queue's to the function, about a
second each; a new instance's start is in the seconds of ten records.

Cost is computed by list prices of us-east-1: each request that collecting made, the function's seconds at 1,769 MB
(arm64), and the files for 30 days, a stage's default. What parts cost less, which are deleted after 7 days instead of
30, is not taken off.

What a lone miss pays for storing its record is computed in [decision 34](../decisions/0034-hours.md) and counted in
[what it costs](../cost.md): $5.00 a million as an object each, under $1 by the queue.

{large}"""

LARGE = "## More than one invocation"
LARGE_TEXT = (
    LARGE
    + """

{made}: {records:,} records, by invocations of five minutes each, which continue where the last ended. The
embedded S3 holds all of it in memory, about 14 GB.

![Records collected over seconds](results-large.svg)

| Figure | |
| --- | ---: |
{told}

`second_half_to_first` is how much longer a record of the second half takes than one of the first, and
`whole_to_first_million` one of all than one of the first million: 1 is linear.
"""
)
NO_LARGE = f"{LARGE}\n\n`make bench-results RECORDS=5000000` fills this section in.\n"


def measured(stage: Stage, records: int) -> dict[str, Any]:
    """Collect so many records, read them in both ways, and collect ten; return the figures."""
    seed(stage, records)
    collected = collect(stage, LOOKUP_ID)
    figures = _figures(collected) | _gain(from_parts(stage), from_files(stage))
    seed(stage, 10, FEW)
    few = collect(stage, FEW)
    ready = {"seconds_to_ready": round(collected.whole_seconds, 1), "seconds_of_ten": round(few.whole_seconds, 2)}
    return figures | ready


def collected_only(stage: Stage, records: int) -> dict[str, Any]:
    """Collect so many records, by short invocations; return the figures."""
    seed(stage, records)
    return figures_of_halves(collect(stage, LOOKUP_ID, seconds=SHORT_INVOCATION))


def figures_of_halves(collected: Collected) -> dict[str, Any]:
    """Return the figures, and how much longer a record of the second half took than one of the first."""
    whole = collected.points[-1]
    half = next(point for point in collected.points if point[0] >= whole[0] / 2)
    first, second = half[1] / half[0], (whole[1] - half[1]) / max(1, whole[0] - half[0])
    million = next((point for point in collected.points if point[0] >= RECORDS), whole)
    ratio = (whole[1] / whole[0]) / (million[1] / million[0])
    linear = {"second_half_to_first": round(second / first, 2), "whole_to_first_million": round(ratio, 2)}
    return _figures(collected) | linear


def _figures(collected: Collected) -> dict[str, Any]:
    return {
        "records": collected.last["records"],
        "state": collected.last["state"],
        "files": collected.last["files"],
        "bytes": collected.last["bytes"],
        "seconds": round(collected.sum("seconds"), 1),
        "cpu_seconds": round(collected.sum("cpu_seconds"), 1),
        "peak_mb": collected.peak_mb,
        "invocations": len(collected.invocations),
        "failed_invocations": collected.failed,
        **cost_of(collected),
        "points": [(records, round(seconds, 1)) for records, seconds in collected.points],
    }


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
        **{
            f"{name}_less_time": round(parts.alone(number) / files.alone(number), 1)
            for number, name in enumerate(("group_by", "one_identifier"))
        },
    }


def page(figures: Mapping[str, Any], begun: float, large: str = NO_LARGE) -> str:
    """Write the page; `large` is its last section."""
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun))
    rows = [
        ("collected, a million records", "under 4 minutes", f"{figures['seconds'] / figures['records'] * 1e6:.0f} s"),
        ("highest memory", "under 700 MB", f"{figures['peak_mb']} MB"),
        ("from a lookup's end to its files, ten records", "under 15 s", f"{figures['seconds_of_ten']:.1f} s"),
        ("the same, a million records", "under 6 minutes", f"{figures['seconds_to_ready']:.0f} s"),
        ("added cost of a million records", "under $0.15", f"${figures['dollars_per_million']:.3f}"),
        ("fewer GET requests to read it", "50 times", f"{figures['fewer_requests']:g} times"),
        ("less time to read it, both questions", "10 times", f"{figures['less_time']:g} times"),
        ("less time for `GROUP BY outcome` alone", "10 times", f"{figures['group_by_less_time']:g} times"),
        ("less time for one identifier alone", "10 times", f"{figures['one_identifier_less_time']:g} times"),
    ]
    goals = "\n".join(f"| {what} | {goal} | {value} |" for what, goal, value in rows)
    return PAGE_TEXT.format(made=made, records=figures["records"], goals=goals, told=_told(figures), large=large)


def large_section(figures: Mapping[str, Any], begun: float, note: str = "") -> str:
    """Write the section of a run that takes several invocations; `note` is what disturbed it."""
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun))
    text = LARGE_TEXT.format(made=made, records=figures["records"], told=_told(figures))
    return f"{text}\n{note}\n" if note else text


def with_section(text: str, section: str) -> str:
    """Return a page with another last section."""
    return text.partition(LARGE)[0].rstrip() + "\n\n" + section


def section_of(text: str) -> str:
    """Return the last section of a page, which says how to fill it when nobody has."""
    _, heading, rest = text.partition(LARGE)
    return heading + rest if heading else NO_LARGE


def _told(figures: Mapping[str, Any]) -> str:
    return "\n".join(f"| `{name}` | {value} |" for name, value in figures.items() if name != "points")


def _write(figures: Mapping[str, Any], begun: float, written: Path | None, note: str) -> None:
    """Write the page and its chart; what `written` is None of goes into its last section."""
    before = PAGE.read_text() if PAGE.exists() else ""
    if written is not None:
        written.write_text(page(figures, begun, section_of(before)))
        written.with_suffix(".svg").write_text(chart(figures))
        return
    PAGE.write_text(with_section(before, large_section(figures, begun, note)))
    PAGE.with_name("results-large.svg").write_text(chart(figures))


def available(text: str) -> int | None:
    """Return how many bytes of memory a machine has left, by its `/proc/meminfo`; None where that does not tell."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def shortage(records: int, left: int | None) -> str | None:
    """Return why so many records do not fit into the memory that is left, None when they do."""
    if left is None or left >= records * RECORD_BYTES:
        return None
    return f"{records:,} records take {records * RECORD_BYTES / 1e9:.1f} GB of memory; {left / 1e9:.1f} GB are left"


def main() -> None:
    """Run, write, print."""
    begun, records = time.time(), int(os.environ.get("RECORDS") or RECORDS)
    lacking = shortage(records, available(MEMORY.read_text()) if MEMORY.exists() else None)
    if lacking is not None:
        raise SystemExit(lacking)
    written: Path | None = None
    with watched() as watch, embedded_aws(PROJECT / ".local/benchmarks/embedded_aws.log"):
        session = boto3.Session(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        with deployed(session, None) as stage:
            if records > RECORDS:
                figures = collected_only(stage, records)
            else:
                figures = measured(stage, records)
                written = PAGE if records == RECORDS else PROJECT / ".local/benchmarks" / PAGE.name
    _write(figures, begun, written, watch.note)
    sys.stdout.write(f"{watch.last_line(figures, written)}\n")


if __name__ == "__main__":
    main()
