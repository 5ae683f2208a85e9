"""`python -m tests.benchmarks.erasure`: one person and a hundred erased from a tenth of a month at full quota.

Environment: RECORDS=n (default 4,320,000, a tenth of a month). Writes docs/benchmarks/erasure.md then, or with PAGE=1,
and what follows from it to docs/cost.md; prints the figures last.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tests.benchmarks.cost.__main__ import PAGE as COST
from tests.benchmarks.cost.report import with_erasures
from tests.benchmarks.cost.seconds import SLOWNESS
from tests.benchmarks.disturbance import watched
from tests.benchmarks.erasure.measuring import measured
from tests.benchmarks.erasure.month import GET, MONTH, MONTH_DOLLARS, MONTH_MINUTES, NETWORK
from tests.benchmarks.erasure.seeding import HOUR
from tests.benchmarks.gate.stage import embedded_aws
from tests.lookup.stage import deployed

PROJECT = Path(__file__).parents[3]
PAGE = PROJECT / "docs" / "benchmarks" / "erasure.md"
RECORDS = MONTH // 10
PARTS_A_SECOND = 150.0  # objects of `parts/` that are read a second with 16 at once, at 100 ms each

PAGE_TEXT = """# Erasing people from a month at full quota

Written by `make bench-erasure` on {made}: {records:,} records of 2 KB in {files} files of an hour each, as NDJSON and
Parquet, searched twice and rewritten by the services of `on_erasure` in one process against the embedded S3, which
shares the machine. The one person is in every 24th file, as somebody who is looked up daily; the hundred are in every
second file. A month is computed: {month:,} records in proportion, for a processor of Lambda that is taken to need
{slowness:g} times as long, and {network:.0f} MB a second between S3 and the function.

| | one person | a hundred |
| --- | ---: | ---: |
{rows}

A search decodes two columns of each Parquet file; rewriting decodes and packs all formats of a set. The time of a
search does not depend on how many are erased, that of rewriting on how many files hold them. Both searches are in the
figures. Beside them:

- **Waiting**: 16.5 minutes between the searches, in which no function runs.
- **Objects of `parts/`** that collected files do not hold are read one by one, some {parts_a_second:.0f} a second at
  100 ms each: what is not collected yet, of lookups and of the last hour, and what an hour's files leave out; and
  those of lookups and hours whose files name somebody. Of an hour whose traffic came by the intake queue alone, a
  hundred users a message, that is {objects:,.0f} objects: {parts_seconds:.0f} s and ${parts_dollars:.4f} of requests.
- **Athena** would read the same two columns of a month for about ${athena:.2f} a search at $5 a terabyte, and rewrite
  nothing.

A hundred identifiers in one request cost as much to search as one: send those of a day together.
"""


def page(figures: Mapping[str, Any], begun: float) -> str:
    """Write the page."""
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun))
    one, many = figures["one"], figures["hundred"]
    rows = "\n".join(
        f"| {_words(name)} | {_shown(one[name])} | {_shown(many[name])} |" for name in one if name != "people"
    )
    objects = HOUR / 100
    return PAGE_TEXT.format(
        made=made,
        records=figures["records"],
        files=figures["files"],
        month=MONTH,
        rows=rows,
        objects=objects,
        slowness=SLOWNESS,
        network=NETWORK / 1e6,
        parts_a_second=PARTS_A_SECOND,
        parts_seconds=objects / PARTS_A_SECOND,
        parts_dollars=objects * GET,
        athena=MONTH * 1700 / 4 / 1e12 * 5,
    )


def _words(name: str) -> str:
    return (
        name.replace("_", " ")
        .replace("month minutes", MONTH_MINUTES)
        .replace("month dollars", f"{MONTH_DOLLARS}, function and requests")
    )


def _shown(value: float) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or value >= 100 else f"{value:.3g}"


def main() -> None:
    """Run, write, print."""
    begun, records = time.time(), int(os.environ.get("RECORDS") or RECORDS)
    written: Path | None = None
    with watched() as watch, embedded_aws(PROJECT / ".local/benchmarks/embedded_aws.log"):
        session = boto3.Session(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        with deployed(session, None) as stage:
            figures = measured(stage, records)
    if records >= RECORDS or os.environ.get("PAGE") == "1":
        written = PAGE
        written.write_text(page(figures, begun))
        COST.write_text(with_erasures(COST.read_text()))
    sys.stdout.write(f"{watch.last_line(figures, written)}\n")


if __name__ == "__main__":
    main()
