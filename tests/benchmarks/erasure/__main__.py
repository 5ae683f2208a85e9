"""`python -m tests.benchmarks.erasure`: one person and a hundred erased from a tenth of a month at full quota.

Environment: RECORDS=n (default 4,320,000, a tenth of a month). Writes docs/benchmarks/erasure.md then, or with PAGE=1,
and prints the figures last.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from infra.monitoring.prices import LAMBDA_GB_SECOND
from lookup.erasure.objects import Objects
from lookup.erasure.queue import ErasureQueue, ErasureStep
from lookup.erasure.requests import ErasureRequests
from lookup.fetch.tombstones import Tombstones
from lookup.ledger.erasures import ErasureState
from lookup.model import Identifier, IdentifierType
from lookup.wiring.erasure import ErasureServices
from tests.benchmarks.disturbance import watched
from tests.benchmarks.erasure.seeding import HOUR, HUNDRED, ONE, seed
from tests.benchmarks.gate.stage import embedded_aws
from tests.lookup.stage import Stage, deployed

PROJECT = Path(__file__).parents[3]
PAGE = PROJECT / "docs" / "benchmarks" / "erasure.md"
MONTH = 43_200_000  # users at 1,000 a minute for 30 days
RECORDS = MONTH // 10
MEMORY_GB = 1.769
GET, PUT = 0.0004 / 1000, 0.005 / 1000  # dollars of a request (S3 Standard, us-east-1); lists cost what puts do
PARTS_A_SECOND = 150.0  # objects of `parts/` that are read a second with 16 at once, at 100 ms each

PAGE_TEXT = """# Erasing people from a month at full quota

Written by `make bench-erasure` on {made}: {records:,} records of 2 KB in {files} files of an hour each, as NDJSON and
Parquet, searched twice and rewritten by the services of `on_erasure` in one process against the embedded S3, which
shares the machine. The one person is in every 24th file, as somebody who is looked up daily; the hundred are in every
second file. A month is computed: {month:,} records, in proportion.

| | one person | a hundred |
| --- | ---: | ---: |
{rows}

A search decodes two columns of each Parquet file; rewriting decodes and packs all formats of a set. The time of a
search does not depend on how many are erased, that of rewriting on how many files hold them. Both searches are in the
figures. Beside them:

- **Waiting**: 16.5 minutes between the searches, in which no function runs.
- **Objects of `parts/`** that collected files do not cover are read one by one, some {parts_a_second:.0f} a second at
  100 ms each: of lookups those that are not collected yet, of answers at once the last hour, and all of the intake
  queue's, for of two groupings of its messages the files hold one. A month of nothing but intake messages, a hundred
  at a time, is {objects:,.0f} objects: {parts_minutes:.0f} minutes and ${parts_dollars:.2f} of requests a search.
- **Athena** would read the same two columns of a month for about ${athena:.2f} a search at $5 a terabyte, and rewrite
  nothing.

A hundred identifiers in one request cost as much to search as one: send those of a day together.
"""


class _Steps(ErasureQueue):
    def __init__(self) -> None:
        self.sent: list[ErasureStep] = []

    def send(self, step: ErasureStep, *, after: float = 0.0) -> None:  # noqa: ARG002 - nothing else writes here
        self.sent.append(step)


class _Services(ErasureServices):
    """The services of `on_erasure` that do not wait between the searches: nobody writes."""

    drain = 0.0

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.settings, time.time, time.sleep)
        self.session = stage.session
        self.dynamodb, self.s3, self.sqs = stage.dynamodb, stage.s3, stage.sqs
        self.secretsmanager = stage.secretsmanager
        self.steps = _Steps()

    @cached_property
    def objects(self) -> Objects:
        return Objects(self.s3, self.settings.bucket_name)

    @cached_property
    def erasure_queue(self) -> ErasureQueue:
        return self.steps


def erased(stage: Stage, names: Sequence[str]) -> dict[str, Any]:
    """Erase people; return what it took."""
    services, requests = _Services(stage), Counter[str]()

    def counted(model: Any, **_: Any) -> None:
        requests[model.name] += 1

    ledger = services.erasures
    asked = ErasureRequests(
        ledger=ledger,
        tombstones=Tombstones(ledger, services.hash_keys, time.time),
        keys=services.hash_keys,
        queue=services.steps,
        days=90,
        clock=time.time,
    )
    begun = asked.begin("acme", "default", [Identifier(IdentifierType.CUSTOMER_ID, name) for name in names])
    stage.s3.meta.events.register("before-call.s3", counted)
    wall, cpu = time.perf_counter(), time.process_time()
    while services.steps.sent:
        services.eraser.serve(services.steps.sent.pop(0), until=time.time() + 10**6)
    seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    stage.s3.meta.events.unregister("before-call.s3", counted)
    ended = asked.read("acme", begun.erasure_id)
    if ended.state is not ErasureState.COMPLETED:
        raise ValueError("the erasure did not end")
    found = Counter[str]()
    for one in asked.found(ended):
        found[one.store] += one.records
    return {
        "people": len(names),
        "searches": ended.passes,
        "records_found": found["results"],
        "files_rewritten": requests["PutObject"],
        "seconds": seconds,
        "cpu_seconds": used,
        "gets": requests["GetObject"],
        "puts_and_lists": requests["PutObject"] + requests["ListObjectVersions"] + requests["ListMultipartUploads"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def a_month(figures: Mapping[str, Any], records: int) -> dict[str, float]:
    """Compute a month in proportion: the function's CPU, and dollars of that and of the requests."""
    share = MONTH / records
    requests = (figures["gets"] * GET + figures["puts_and_lists"] * PUT) * share
    seconds = figures["cpu_seconds"] * share
    return {"month_minutes": seconds / 60, "month_dollars": seconds * MEMORY_GB * LAMBDA_GB_SECOND + requests}


def measured(stage: Stage, records: int, hour: int = HOUR) -> dict[str, Any]:
    """Seed, erase one and a hundred; return the figures."""
    files = seed(stage, records, hour)
    figures: dict[str, Any] = {"records": records, "files": files}
    for name, people in (("one", [ONE]), ("hundred", HUNDRED)):
        own = erased(stage, people)
        figures[name] = {key: round(value, 3) for key, value in (own | a_month(own, records)).items()}
    return figures


def page(figures: Mapping[str, Any], begun: float) -> str:
    """Write the page."""
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(begun))
    one, many = figures["one"], figures["hundred"]
    rows = "\n".join(
        f"| {_words(name)} | {_shown(one[name])} | {_shown(many[name])} |" for name in one if name != "people"
    )
    objects = MONTH / 100
    return PAGE_TEXT.format(
        made=made,
        records=figures["records"],
        files=figures["files"],
        month=MONTH,
        rows=rows,
        objects=objects,
        parts_a_second=PARTS_A_SECOND,
        parts_minutes=objects / PARTS_A_SECOND / 60,
        parts_dollars=objects * GET,
        athena=MONTH * 1700 / 4 / 1e12 * 5,
    )


def _words(name: str) -> str:
    return (
        name.replace("_", " ")
        .replace("month minutes", "a month: minutes of one processor")
        .replace("month dollars", "a month: dollars, function and requests")
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
    sys.stdout.write(f"{watch.last_line(figures, written)}\n")


if __name__ == "__main__":
    main()
