"""`python -m tests.chaos`, `make chaos`: one run; exit status 1 when anything is lost, doubled, wrong, leaked or stuck.

A long run fails too when a kind of fault that it was to meet never struck.

Environment: SEED=n (default 1); IDENTIFIERS=n (default 20,000).
"""

from __future__ import annotations

import json
import os
import sys

import boto3

from infra.local.display import Display
from tests.benchmarks.gate.stage import embedded_aws
from tests.chaos.plan import Size
from tests.chaos.run import carried_out
from tests.forking import PROJECT

SEED, IDENTIFIERS = 1, 20_000


def main() -> int:
    """Run, show the report, and print the figures as JSON last."""
    seed, identifiers = int(os.environ.get("SEED") or SEED), int(os.environ.get("IDENTIFIERS") or IDENTIFIERS)
    display, folder = Display(), PROJECT / f".local/chaos/{seed}"
    display.heading(f"Chaos with seed {seed}: {identifiers} identifiers through three handlers")
    with embedded_aws(PROJECT / ".local/chaos/embedded_aws.log"), display.bar("outcomes") as advance:
        report = carried_out(seed, identifiers, boto3.Session(), folder, advance)
    report.show(display)
    display.line(f"logs of the processes: {folder.relative_to(PROJECT)}")
    print(json.dumps(report.to_json()))  # noqa: T201 - the last line is for programs
    is_complete = not report.missed or not Size.of(identifiers).is_long
    return 0 if report.found.is_empty and is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
