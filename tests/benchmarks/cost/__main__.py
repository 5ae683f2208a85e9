"""`make cost`: counts, computes, writes `docs/cost.md` and prints it; the last line is one JSON object in dollars."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from infra.app import SOURCE, synthesise
from infra.local.ministack.process import PROJECT, EmbeddedAws
from infra.local.ports import free_port
from infra.stages import stage_named
from tests.benchmarks.cost import model, scenarios
from tests.benchmarks.cost.fixed import monthly
from tests.benchmarks.cost.profiles import AttributesOf, profile, texts
from tests.benchmarks.cost.report import Report, written
from tests.benchmarks.cost.scenarios import Counted
from tests.benchmarks.cost.stage import Metered, aws, metered

SMALL, LARGE = 3, 9  # parts of the two rosters whose difference says what a part takes
REQUESTS = 50
PAGE = PROJECT / "docs" / "cost.md"


def measured(*, small: int = SMALL, large: int = LARGE, number: int = REQUESTS) -> Report:
    """Count every job in an embedded AWS of its own."""
    with tempfile.TemporaryDirectory() as folder:
        template = synthesise(stage_named("prod", {}), code=SOURCE, outdir=Path(folder) / "cdk.out")
        memory = memory_of(template)
        with EmbeddedAws(free_port(), Path(folder) / "aws.log") as server, aws(server):
            both = [counted(partial(scenarios.roster, parts=parts)) for parts in (small, large)]
            long = [counted(partial(scenarios.roster, parts=parts), attributes=texts) for parts in (small, large)]
            s3_only = [counted(partial(scenarios.roster, parts=parts), keep_profiles=False) for parts in (small, large)]
            hit = counted(partial(scenarios.requests, number=number, fresh=True))
            miss = counted(partial(scenarios.requests, number=number, fresh=False))
            poll = counted(partial(scenarios.polls, number=number))
            archived = counted(partial(scenarios.archived, number=number))
            tick = counted(partial(scenarios.ticks, number=5))
        lines = (
            model.bulk("bulk, DynamoDB and S3", both[0], both[1], memory["on_queue"]),
            model.bulk("bulk, long texts", long[0], long[1], memory["on_queue"]),
            model.bulk("bulk, S3 only", s3_only[0], s3_only[1], memory["on_queue"]),
            model.requests("warm hit", hit, memory["on_request"], vendor_calls=0),
            model.with_archiving(
                model.requests("lone miss", miss, memory["on_request"], vendor_calls=1), archived, memory["on_queue"]
            ),
            model.requests("look at the quota", poll, memory["on_request"], vendor_calls=0),
        )
        return Report(lines, monthly(template, model.once(tick, memory["on_schedule"])))


def counted(
    job: Callable[[Metered], Counted], *, keep_profiles: bool = True, attributes: AttributesOf = profile
) -> Counted:
    """Run a job on a stage of its own."""
    with metered(keep_profiles=keep_profiles, attributes=attributes) as one:
        return job(one)


def memory_of(template: Path) -> dict[str, int]:
    """Read the functions' memory in MB, by module."""
    resources = json.loads(template.read_text())["Resources"].values()
    functions = [one["Properties"] for one in resources if one["Type"] == "AWS::Lambda::Function"]
    return {one["Handler"].partition(".")[0]: one["MemorySize"] for one in functions if "on_" in one["Handler"]}


def main() -> int:
    """Write and print the page; 1 when a target is missed."""
    report = measured()
    PAGE.write_text(written(report), encoding="utf-8")
    sys.stdout.write(f"{PAGE.read_text(encoding='utf-8')}\n{json.dumps(report.to_json())}\n")
    return 0 if report.reached else 1


if __name__ == "__main__":
    sys.exit(main())
