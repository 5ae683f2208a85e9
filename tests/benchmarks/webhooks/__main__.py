"""`python -m tests.benchmarks.webhooks`: events for ten receivers, all well, then one of them dead; figures as JSON.

Environment: EVENTS=n (default 1,000), WORKERS=n (default 10, as many as are deployed). A call may take ten seconds, as
deployed. Requests to AWS go to the embedded one, which shares the machine, so seconds compare with each other only.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import boto3

from lookup.webhooks.sender import MAX_SECONDS
from tests.benchmarks.disturbance import watched
from tests.benchmarks.gate.stage import embedded_aws
from tests.lookup.stage import deployed
from tests.lookup.webhooks.fleet import DEAD, RECEIVERS, Figures, fleet, host_of, run
from tests.lookup.webhooks.receivers import Authority, sender_to
from tests.lookup.webhooks.world import World

EVENTS, WORKERS = 1000, 10


def measured(authority: Authority, *, events: int, workers: int, has_dead: bool) -> Figures:
    """Run once on a stage of its own."""
    with (
        embedded_aws(authority.pem.with_suffix(".log")),
        deployed(boto3.Session(), None) as stage,
        fleet(authority) as ten,
    ):
        if has_dead:
            ten.dies(DEAD)
        world = World(stage, sender_to(ten.port, authority.client))
        return run(world, ten, authority, events=events, workers=workers, max_seconds=MAX_SECONDS)


def main() -> int:
    """Print the figures of both runs."""
    events = int(os.environ.get("EVENTS") or EVENTS)
    workers = int(os.environ.get("WORKERS") or WORKERS)
    with watched() as watch, tempfile.TemporaryDirectory() as folder:
        authority = Authority.of(Path(folder), *(host_of(f"r{number}") for number in range(RECEIVERS)))
        well = measured(authority, events=events, workers=workers, has_dead=False)
        dead = measured(authority, events=events, workers=workers, has_dead=True)
    figures = {
        "events": events,
        "workers": workers,
        "seconds_of_nine_all_well": round(well.seconds, 1),
        "seconds_of_nine_one_dead": round(dead.seconds, 1),
        "calls_of_the_dead": dead.dead_calls,
    }
    sys.stdout.write(f"{watch.last_line(figures)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
